
"use strict";
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // Accents and case do not matter when looking for a name.
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const faces = all(".face").map((item) => ({
    item, button: item.querySelector("button"), photo: plain(item.dataset.photo), called: "", name: "", unsure: item.classList.contains("unsure"), shown: true, isStop: false,
  }));
  const faceOf = new Map(faces.map((face) => [face.item, face]));
  const number = new Intl.NumberFormat("en");
  const groups = all(".group").map((group) => ({
    group, number: group.querySelector("h2 .number"), words: group.getAttribute("aria-labelledby") === "aside" ? ["face", "faces"] : ["person", "people"],
  }));
  const find = byId("find");
  const unsure = byId("only-unsure");
  const moved = byId("only-moved");

  const isPressed = (button) => button !== null && button.getAttribute("aria-pressed") === "true";
  const shownButtons = (list) => all(".face:not([hidden]) > button", list);

  // One stop for the Tab key in each person; the arrow keys move inside.
  const setStop = (list, stop) => {
    for (const item of list.children) {
      const face = faceOf.get(item);
      const isStop = face.button === stop;
      if (face.isStop !== isStop) {
        face.isStop = isStop;
        face.button.tabIndex = isStop ? 0 : -1;
      }
    }
  };

  const isCalled = (face, wanted) => {
    if (face.called !== face.item.dataset.called) {
      face.called = face.item.dataset.called;
      face.name = plain(face.called);
    }
    return face.name.includes(wanted);
  };

  const filter = () => {
    const wanted = plain(find.value.trim());
    // Who is unsure is known at the threshold of the page alone, who has moved elsewhere alone.
    const isElsewhere = root.hasAttribute("data-elsewhere");
    const onlyUnsure = !isElsewhere && isPressed(unsure);
    const onlyMoved = isElsewhere && isPressed(moved);
    let n = 0;
    for (const face of faces) {
      const { item } = face;
      const shown = item.isConnected && (!onlyUnsure || face.unsure) && (!onlyMoved || item.classList.contains("moved")) &&
        (wanted === "" || face.photo.includes(wanted) || isCalled(face, wanted));
      if (face.shown !== shown) {
        face.shown = shown;
        item.hidden = !shown;
      }
      n += shown;
    }
    for (const { group, number: told, words } of groups) {
      let total = 0;
      let people = 0;
      for (const list of group.querySelectorAll(".faces")) {
        let stop = null;
        let inList = 0;
        for (const item of list.children) {
          const face = faceOf.get(item);
          stop = stop || (face.shown ? face.button : null);
          inList += face.shown;
        }
        setStop(list, stop);
        const person = list.closest(".person");
        total += person ? 1 : list.children.length;
        people += person ? inList > 0 : inList;
        const whole = person || list;
        if (whole.hidden !== (stop === null)) whole.hidden = stop === null;
      }
      group.hidden = people === 0;
      const count = `${number.format(total)} ${words[total === 1 ? 0 : 1]}`;
      told.textContent = people === total ? count : `${number.format(people)} of ${count}`;
    }
    byId("nothing").hidden = n > 0;
    const word = faces.length === 1 ? "face" : "faces";
    const part = n === faces.length ? "" : `${number.format(n)} of `;
    const status = `${part}${number.format(faces.length)} ${word} shown`;
    if (byId("status").textContent !== status) byId("status").textContent = status;
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
    const why = item.querySelector(root.hasAttribute("data-elsewhere") ? ".from" : ".why");
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
    if (moved) {
      moved.addEventListener("click", () => {
        moved.setAttribute("aria-pressed", String(!isPressed(moved)));
        filter();
      });
    }
    // The slider has put faces with other people.
    document.addEventListener("regrouped", () => {
      filter();
      moved.querySelector(".number").textContent = number.format(all(".moved").length);
    });
    document.addEventListener("described", () => {
      if (find.value.trim() !== "") filter();
    });
    byId("clear").addEventListener("click", () => {
      find.value = "";
      for (const button of [unsure, moved]) if (button) button.setAttribute("aria-pressed", "false");
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
