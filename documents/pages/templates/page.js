// Sorts and filters tables, switches the language, and remembers both choices; every page reads without it.
"use strict";
(() => {
  const kept = (() => { try { localStorage.setItem("profmin", "1"); return localStorage; } catch { return null; } })();
  const english = () => kept?.getItem("profmin.language") === "en";
  const said = (ru, en) => (english() ? en : ru);

  function speak() {
    document.querySelectorAll("[data-en]").forEach((each) => {
      each.dataset.ru ??= each.textContent;
      each.textContent = english() ? each.dataset.en : each.dataset.ru;
      each.lang = english() ? "en" : "ru";
    });
  }

  function value(row, place) {
    const text = row.cells[place].innerText.trim();
    const day = /^(\d\d)\.(\d\d)\.(\d{4})(.*)/.exec(text);
    if (day) return day[3] + day[2] + day[1] + day[4];
    const number = Number.parseFloat(text.replace(/[\s\u00a0]/g, "").replace("−", "-").replace(",", "."));
    return /^[-−+\d]/.test(text) && !Number.isNaN(number) ? number : text.toLowerCase();
  }

  function before(one, other) {
    if (one === "—" || other === "—") return (one === "—") - (other === "—");
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), "ru");
  }

  function sort(table, place, way) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, place), row]);
    rows.sort((a, b) => (a[0] === "—" || b[0] === "—" ? before(a[0], b[0]) : way * before(a[0], b[0])));
    body.append(...rows.map((pair) => pair[1]));
    [...table.tHead.rows[0].cells].forEach((cell, at) => {
      if (at === place) cell.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  }

  function filter(table, words) {
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(words.toLowerCase());
  }

  function prepare(table) {
    const key = `profmin.${location.pathname.split("/").slice(-2).join("/")}#${table.id}`;
    const now = JSON.parse(kept?.getItem(key) ?? "{}");
    const keep = () => kept?.setItem(key, JSON.stringify(now));
    [...table.tHead.rows[0].cells].forEach((cell, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        now.way = now.place === place ? -now.way : 1;
        now.place = place;
        sort(table, place, now.way);
        keep();
      });
    });
    if (now.place !== undefined && now.place < table.tHead.rows[0].cells.length) sort(table, now.place, now.way);
    if (table.tBodies[0].rows.length < 8) return;
    const tools = document.createElement("div");
    const label = document.createElement("label");
    const field = document.createElement("input");
    tools.className = "tools";
    field.type = "search";
    field.value = now.words ?? "";
    const words = document.createElement("span");
    words.dataset.en = "Only rows with:";
    words.textContent = "Только строки со словами:";
    label.append(words, " ", field);
    tools.append(label);
    table.closest(".wide").before(tools);
    field.addEventListener("input", () => { now.words = field.value; filter(table, field.value); keep(); });
    if (field.value) filter(table, field.value);
  }

  function languages() {
    const button = document.createElement("button");
    button.type = "button";
    const name = () => { button.textContent = said("English", "Русский"); button.lang = said("en", "ru"); };
    button.addEventListener("click", () => {
      kept?.setItem("profmin.language", english() ? "ru" : "en");
      speak();
      name();
    });
    name();
    document.querySelector("header")?.append(button);
  }

  function measures() {
    const chosen = kept?.getItem("profmin.measure");
    document.querySelectorAll('input[name="measure"]').forEach((each) => {
      if (each.id === chosen) each.checked = true;
      each.addEventListener("change", () => kept?.setItem("profmin.measure", each.id));
    });
  }

  document.querySelectorAll("table.sorts").forEach(prepare);
  languages();
  measures();
  speak();
})();
