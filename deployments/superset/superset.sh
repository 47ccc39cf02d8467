#!/usr/bin/env bash
# Superset with the monitoring's dashboards, in an environment of its own: its libraries are other than ours.
#   superset.sh load    installs it where it is not, and brings it to what profmin and logins.csv say; as often as one likes
#   superset.sh serve   answers on SUPERSET_ADDRESS (127.0.0.1:8088)
# In the environment: PROFMIN_SUPERSET_HOME, PROFMIN_BI_DATABASE (superset_config.py); PROFMIN, where profmin is not on
# the path; PYTHON, a Python 3.10 to 3.12; PROFMIN_SUPERSET_VENV, where it is not to be in the home.
set -euo pipefail
umask 077
here=$(cd "$(dirname "$0")" && pwd)
: "${PROFMIN_SUPERSET_HOME:?name the folder of what Superset keeps}" "${PROFMIN_BI_DATABASE:?host:port/database of the marts}"
venv=${PROFMIN_SUPERSET_VENV:-$PROFMIN_SUPERSET_HOME/venv}
export PROFMIN_SUPERSET_HOME PROFMIN_BI_DATABASE FLASK_APP=superset PYTHONPATH=$here
export SUPERSET_HOME=$PROFMIN_SUPERSET_HOME

case ${1:-} in
  load)
    if ! cmp -s "$here/requirements.lock" "$venv/requirements.lock"; then
      "${PYTHON:-python3}" -m venv --clear "$venv"
      "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$here/requirements.lock"
      cp "$here/requirements.lock" "$venv/requirements.lock"
    fi
    mkdir -p "$PROFMIN_SUPERSET_HOME"
    PYTHONPATH= "${PROFMIN:-profmin}" dictionary --format superset > "$PROFMIN_SUPERSET_HOME/profmin.zip"
    exec "$venv/bin/python" "$here/load.py" "$PROFMIN_SUPERSET_HOME/profmin.zip"
    ;;
  serve)  # a login has five connections: four requests at once leave it one
    exec "$venv/bin/gunicorn" --bind "${SUPERSET_ADDRESS:-127.0.0.1:8088}" --workers 1 --threads 4 --timeout 120 \
      --log-level warning 'superset.app:create_app()'
    ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
