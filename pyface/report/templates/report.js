
"use strict";
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // Accents and case do not matter when looking for a name.
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const faces = all(".face").map((item) => ({
    item, button: item.querySelector("button"), name: plain(`${item.dataset.photo}\n${item.dataset.called}`), unsure: item.classList.contains("unsure"),
  }));
  const lists = all(".faces");
  const groups = all(".group").map((group) => ({
    group, total: all(".person, .single", group).length, count: group.querySelector("h2 .number").textContent,
  }));
  const find = byId("find");
  const unsure = byId("only-unsure");
  const number = new Intl.NumberFormat("en");

  const isPressed = (button) => button !== null && button.getAttribute("aria-pressed") === "true";
  const shownButtons = (list) => all(".face:not([hidden]) > button", list);

  // One stop for the Tab key in each person; the arrow keys move inside.
  const setStop = (list, stop) => {
    for (const button of all("button[tabindex='0']", list)) button.tabIndex = -1;
    if (stop) stop.tabIndex = 0;
  };

  const filter = () => {
    const wanted = plain(find.value.trim());
    const onlyUnsure = isPressed(unsure);
    let n = 0;
    for (const face of faces) {
      const shown = (!onlyUnsure || face.unsure) && face.name.includes(wanted);
      face.item.hidden = !shown;
      n += shown;
    }
    for (const list of lists) {
      const buttons = shownButtons(list);
      (list.closest(".person") || list).hidden = buttons.length === 0;
      setStop(list, buttons[0]);
    }
    for (const { group, total, count } of groups) {
      const people = all(".person, .single", group).filter((person) => !person.hidden).length;
      group.hidden = people === 0;
      group.querySelector("h2 .number").textContent =
        people === total ? count : `${number.format(people)} of ${count}`;
    }
    byId("nothing").hidden = n > 0;
    const word = faces.length === 1 ? "face" : "faces";
    const part = n === faces.length ? "" : `${number.format(n)} of `;
    byId("status").textContent = `${part}${number.format(faces.length)} ${word} shown`;
  };

  const move = (event) => {
    const button = event.target.closest(".face > button");
    if (!button || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const list = button.closest(".faces");
    const buttons = shownButtons(list);
    const at = buttons.indexOf(button);
    const top = buttons[0].offsetTop;
    const columns = Math.max(1, buttons.filter((other) => other.offsetTop === top).length);
    const steps = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: buttons.length - 1,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = buttons[steps[event.key]];
    if (!next) return;
    setStop(list, next);
    next.focus();
  };

  const detail = byId("detail");
  const show = (item) => {
    const why = item.querySelector(".why");
    byId("detail-name").textContent = byId("detail-name").title = item.dataset.called;
    byId("detail-why").textContent = why ? why.textContent : "";
    byId("detail-why").hidden = !why;
    byId("detail-photo").textContent = item.dataset.photo;
    byId("detail-face").textContent = item.dataset.face;
    byId("detail-score").textContent = item.dataset.score;
    detail.querySelector(".shown").replaceChildren(item.querySelector(".picture").cloneNode(true));
    detail.showModal();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".face > button");
    if (button) {
      setStop(button.closest(".faces"), button);
      show(button.parentElement);
    } else if (event.target === detail) {
      detail.close(); // the backdrop
    }
  });
  document.addEventListener("keydown", move);

  if (faces.length > 0) {
    for (const face of faces) face.button.tabIndex = -1;
    find.addEventListener("input", filter);
    if (unsure) {
      unsure.addEventListener("click", () => {
        unsure.setAttribute("aria-pressed", String(!isPressed(unsure)));
        filter();
      });
    }
    byId("clear").addEventListener("click", () => {
      find.value = "";
      if (unsure) unsure.setAttribute("aria-pressed", "false");
      filter();
      find.focus();
    });
    // report.html#unsure and report.html#find=beach open the page filtered.
    const asked = new URLSearchParams(location.hash.slice(1));
    find.value = asked.get("find") || "";
    if (unsure && asked.has("unsure")) unsure.setAttribute("aria-pressed", "true");
    filter();
  }

  const theme = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tellTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tellTheme();
  });
  system.addEventListener("change", tellTheme);
  tellTheme();

  const skipped = byId("skipped");
  const openSkipped = () => {
    if (skipped && location.hash === "#skipped") skipped.open = true;
  };
  addEventListener("hashchange", openSkipped);
  openSkipped();

  // A lazy picture that was never scrolled to would be missing on paper.
  addEventListener("beforeprint", () => {
    for (const image of all("img[loading]")) image.loading = "eager";
  });

  root.dataset.people = String(all(".person, .single").length);
  root.dataset.faces = String(faces.length);
  root.dataset.ready = "1";
})();
