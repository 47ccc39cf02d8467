"""The shipped configuration of nginx, on a real one: each folder is open to its own users alone.

Slow: nginx starts twice.
"""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[1] / "deployments" / "nginx" / "profmin.conf"
NGINX, OPENSSL = shutil.which("nginx") or shutil.which("/usr/sbin/nginx"), shutil.which("openssl")
pytestmark = pytest.mark.skipif(not (NGINX and OPENSSL), reason="nginx is not installed: apt-get install nginx-light")
WHOLE = """
daemon off; pid {folder}/pid; error_log {folder}/error; {user}
events {{}}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
include {folder}/site.conf; }}
"""
NOTES = ("publication.json", "made_of.json")
"""What the builder writes for itself beside pages."""
Ask = Callable[..., tuple[int, bytes]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration with places of this test, a certificate, a site of two units, users of one of them."""
    made = tmp_path_factory.mktemp("nginx")
    for unit in ("asinovsky", "bakcharsky"):
        page = made / "site" / "69" / unit / "2023-09-08" / "a" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>{unit}</p>", encoding="utf-8")
        for note in NOTES:
            (page.parent / note).write_text("{}", encoding="utf-8")
    public = made / "site" / "69" / "public" / "2023-09-08" / "index.html"
    public.parent.mkdir(parents=True)
    public.write_text("<p>open</p>", encoding="utf-8")
    country = made / "site" / "country" / "2023-09-08" / "a" / "index.html"
    country.parent.mkdir(parents=True)
    country.write_text("<p>country</p>", encoding="utf-8")
    (made / "site" / "country" / "index.html").write_text("<p>newest</p>", encoding="utf-8")
    users = made / "users"
    users.mkdir()
    told = subprocess.run([str(OPENSSL), "passwd", "-apr1", "open"], capture_output=True, text=True, check=True).stdout
    for name, user in (("69.asinovsky", "clerk"), ("country", "ministry")):
        (users / f"{name}.htpasswd").write_text(f"{user}:{told.strip()}\n", encoding="utf-8")
    key = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=profmin.example.org"]
    subprocess.run(
        [str(OPENSSL), *key, "-keyout", users / "key.pem", "-out", users / "certificate.pem"],
        check=True,
        capture_output=True,
    )
    return made


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with socket.socket() as free, socket.socket() as other:
        free.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        secure, plain = free.getsockname()[1], other.getsockname()[1]
    text = CONFIGURATION.read_text(encoding="utf-8")
    for shipped, here in (
        ("listen 443", f"listen 127.0.0.1:{secure}"), ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("    listen [::]:443 ssl http2;\n", ""), ("    listen [::]:80;\n", ""),
        ("/etc/nginx/profmin", f"{folder}/users"), ("/srv/profmin/site", f"{folder}/site"),
    ):  # fmt: skip
        assert shipped in text
        text = text.replace(shipped, here)
    (folder / "site.conf").write_text(text, encoding="utf-8")
    is_root = Path("/proc/self").stat().st_uid == 0
    (folder / "nginx.conf").write_text(
        WHOLE.format(folder=folder, user="user root;" if is_root else ""), encoding="utf-8"
    )
    command = [str(NGINX), "-e", f"{folder}/error", "-c", f"{folder}/nginx.conf"]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    with subprocess.Popen(command) as running:
        for _ in range(100):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", secure)) == 0:
                    break
            time.sleep(0.1)
        yield secure
        running.terminate()


@pytest.fixture
def ask(port: int) -> Ask:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

    def asked(path: str, who: str = "") -> tuple[int, bytes]:
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}")
        if who:
            request.add_header("Authorization", f"Basic {base64.b64encode(who.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, context=trusting, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, b""

    return asked


def test_a_folder_is_open_to_its_own_users_alone(ask: Ask) -> None:
    page = "/69/asinovsky/2023-09-08/a/index.html"
    assert ask(page) == (401, b"")
    assert ask(page, "clerk:wrong") == (401, b"")
    assert ask(page, "clerk:open") == (200, b"<p>asinovsky</p>")
    theirs = "/69/bakcharsky/2023-09-08/a/index.html"  # a folder without a file of users
    assert ask(theirs, "clerk:open")[0] in (401, 403)
    assert ask("/69/asinovsky/../bakcharsky/2023-09-08/a/index.html", "clerk:open")[0] in (400, 401, 403)


def test_what_is_public_is_open_to_everybody_and_leads_nowhere_else(ask: Ask) -> None:
    assert ask("/69/public/2023-09-08/index.html") == (200, b"<p>open</p>")
    assert ask("/69/public/2023-09-08/") == (200, b"<p>open</p>")
    assert ask("/69/public/../asinovsky/2023-09-08/a/index.html")[0] in (400, 401)
    assert ask("/69/asinovsky/public/index.html")[0] == 401


def test_the_country_is_open_to_its_own_users_alone(ask: Ask) -> None:
    for path, page in (("/country/index.html", "newest"), ("/country/2023-09-08/a/index.html", "country")):
        assert ask(path)[0] == ask(path, "clerk:open")[0] == 401
        assert ask(path, "ministry:open") == (200, f"<p>{page}</p>".encode())
    assert ask("/country/", "ministry:open") == (200, b"<p>newest</p>")
    assert ask("/69/asinovsky/2023-09-08/a/index.html", "ministry:open")[0] == 401


def test_nothing_but_pages_is_served(ask: Ask) -> None:
    notes = [f"/69/asinovsky/2023-09-08/a/{note}" for note in NOTES]
    for path in ("/", "/69/", *notes, "/69/asinovsky/.0123456789abcdef"):
        assert ask(path, "clerk:open")[0] == 404, path
