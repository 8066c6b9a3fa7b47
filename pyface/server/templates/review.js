
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat("en");
  const counted = (n, one, many) => `${number.format(n)} ${n === 1 ? one : many || `${one}s`}`;
  const made = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  // Names may hold anything: they are shown as text, with what misleads about direction made visible.
  const showable = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");

  let state = null; // as the server gave it last
  let open = null; // the person that is looked at
  let begin = 0;
  let busy = Promise.resolve();
  const marked = new Set();

  const ask = async (data) => {
    let reply;
    try {
      reply = await fetch("/do", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data) });
    } catch {
      ended(!["question", "people", "person"].includes(data.do));
      throw new Error("the server has ended");
    }
    const given = await reply.json().catch(() => ({ error: `the server refused this (${reply.status})` }));
    if (reply.ok) return given;
    throw Object.assign(new Error(given.error), { reply: given });
  };
  // One after another: an answer counts for the question that was shown, not for one still on its way.
  const inTurn = (work) => {
    busy = busy.then(work).catch((error) => { if (error.reply === undefined) throw error; });
    return busy;
  };

  const closeMessage = () => { byId("message").hidden = true; };
  const tell = (text, { pairs = [], action = null, other = null } = {}) => {
    byId("message-text").textContent = showable(text);
    byId("message-faces").replaceChildren(...pairs.map((pair) => made("li", {}, ...pair.map(picture))));
    for (const [id, what] of [["message-do", action], ["message-other", other]]) {
      const button = byId(id);
      button.hidden = what === null;
      if (what !== null) {
        button.textContent = what.text;
        button.onclick = () => { closeMessage(); what.run(); };
      }
    }
    byId("message").hidden = false;
    byId("message").scrollIntoView({ block: "nearest" });
    if (action !== null) byId("message-do").focus();
  };

  const picture = (face) => face.picture
    ? made("img", { src: face.picture, alt: showable(face.photo), title: showable(face.photo), width: 112, height: 112, draggable: false })
    : made("span", { className: "none", title: showable(face.photo) });
  const called = (person) => person.name ? showable(person.name) : `Person ${person.number}`;
  const heading = (person) => [made("bdi", { className: "called", textContent: called(person), title: called(person) }), " ", made("span", { className: "number", textContent: counted(person.n, "face") })];

  const show = (given) => {
    state = given;
    byId("title").textContent = showable(state.title);
    byId("count").textContent = `· ${state.people}`;
    const share = Math.round(100 * state.progress.done);
    byId("progress").setAttribute("aria-valuenow", share);
    byId("progress").firstElementChild.style.width = `${share}%`;
    const skipped = state.progress.skipped ? `, ${number.format(state.progress.skipped)} left open` : "";
    byId("progress-text").textContent = `${number.format(state.progress.answered)} answered${skipped} · ${share} % of what questions can put right`;
    const question = state.question;
    byId("asked").hidden = question === null;
    byId("nothing").hidden = question !== null;
    if (question !== null) {
      byId("ask").textContent = question.kind === "merge" ? "Are these the same person?" : "Are these still the same person?";
      question.rows.forEach((row, i) => {
        const side = byId(`side-${i}`);
        side.querySelector("h2").replaceChildren(...heading(row));
        side.querySelector("ul").replaceChildren(...row.faces.map((face) => made("li", {}, picture(face))));
      });
    }
    document.documentElement.dataset.answered = state.progress.answered;
    document.documentElement.dataset.key = question === null ? "" : question.key;
  };

  // What changes something. A contradiction may be overruled, a name that somebody has needs to be decided.
  const change = (data, after = () => {}) => inTurn(async () => {
    closeMessage();
    try {
      const given = await ask(data);
      show(given);
      marked.clear();
      await after(["split", "move"].includes(data.do) || data.what === "nobody" ? data.faces : []);
      if (given.undone) tell(`taken back: ${given.undone}`);
    } catch (error) {
      const reply = error.reply;
      if (reply === undefined) throw error;
      if (reply.pairs !== undefined && reply.pairs.length && ["answer", "merge", "split", "move", "name"].includes(data.do)) {
        tell(error.message, { pairs: reply.pairs, action: { text: "Let the new answer count", run: () => change({ ...data, overrule: true }, after) } });
      } else if (data.do === "name" && /already; say whether/.test(error.message)) {
        tell(error.message.split("; say whether")[0], {
          action: { text: "It is the same person", run: () => change({ ...data, same: true }, after) },
          other: { text: "Somebody else of that name", run: () => change({ ...data, another: true }, after) },
        });
      } else {
        tell(error.message, { pairs: reply.pairs });
        if (reply.stale) show(await ask({ do: "question" }));
      }
    }
  });

  const answer = (said) => {
    if (state === null || state.question === null) return;
    const key = state.question.key;
    // Pressed twice before the next question is there, it would answer a question that nobody saw.
    inTurn(async () => {
      if (state.question === null || state.question.key !== key) return;
      closeMessage();
      try {
        show(await ask({ do: "answer", key, said }));
      } catch (error) {
        const reply = error.reply;
        if (reply === undefined) throw error;
        if (reply.pairs !== undefined) tell(error.message, { pairs: reply.pairs, action: { text: "Let the new answer count", run: () => change({ do: "answer", key, said, overrule: true }) } });
        else {
          tell(error.message);
          if (reply.stale) show(await ask({ do: "question" }));
        }
      }
    });
  };

  const refresh = async (gone = []) => {
    if (byId("people").hidden) return;
    const stays = open && open.faces.find((face) => !gone.includes(face.id));
    if (stays) {
      try {
        await openPerson(stays.id);
        return;
      } catch (error) {
        if (error.reply === undefined) throw error;
      }
    }
    await list();
  };
  const undo = () => change({ do: "undo" }, refresh);

  const chosen = () => Array.from(document.querySelectorAll("#persons input:checked"), (box) => Number(box.value));
  const tellChosen = () => {
    const n = chosen().length;
    byId("merge").disabled = n < 2;
    byId("merge").textContent = n < 2 ? "Put people together" : `Put ${number.format(n)} together`;
  };
  const list = async () => {
    open = null;
    const given = await ask({ do: "people", begin, find: byId("find").value });
    byId("list").hidden = false;
    byId("one").hidden = true;
    byId("one-faces").replaceChildren();
    marked.clear();
    byId("persons").replaceChildren(...given.people.map((person) => {
      const box = made("input", { type: "checkbox", value: person.face, ariaLabel: `Choose ${called(person)}` });
      box.addEventListener("change", tellChosen);
      const button = made("button", { type: "button", className: "open" }, ...heading(person));
      button.addEventListener("click", () => inTurn(() => openPerson(person.face)));
      const item = made("li", { className: `person${person.state === "hidden" ? " hidden-one" : ""}` }, made("div", { className: "line" }, box, button),
        made("ul", { className: "faces" }, ...person.faces.map((face) => made("li", {}, picture(face)))));
      item.dataset.person = person.number;
      return item;
    }));
    byId("no-match").hidden = given.people.length > 0;
    tellChosen();
    byId("before").hidden = begin === 0;
    byId("after").hidden = begin + given.people.length >= given.n;
  };

  const tellMarked = () => {
    const n = marked.size;
    byId("n-marked").textContent = n ? `${counted(n, "face")} marked` : "Mark faces by click or space";
    for (const id of ["split", "nobody", "move"]) byId(id).disabled = n === 0;
  };
  const openPerson = async (which) => {
    const person = await ask({ do: "person", person: which });
    open = person;
    marked.clear();
    byId("list").hidden = true;
    byId("one").hidden = false;
    byId("one-name").replaceChildren(...heading(person));
    byId("name").value = person.name;
    byId("hide").lastChild.textContent = person.state === "hidden" ? " Show person" : " Hide person";
    byId("one-faces").replaceChildren(...person.faces.map((face) => {
      const button = made("button", { type: "button", ariaPressed: "false", draggable: true }, picture(face));
      button.dataset.face = face.id;
      button.addEventListener("click", () => {
        if (!marked.delete(face.id)) marked.add(face.id);
        button.ariaPressed = String(marked.has(face.id));
        tellMarked();
      });
      button.addEventListener("dragstart", (event) => {
        if (!marked.has(face.id)) button.click();
        event.dataTransfer.setData("text/plain", String(face.id));
        event.dataTransfer.effectAllowed = "move";
      });
      return made("li", {}, button);
    }));
    tellMarked();
    const others = (await ask({ do: "people", begin: 0, find: "" })).people.filter((other) => other.number !== person.number);
    byId("targets").replaceChildren(...others.slice(0, 24).map((other) => {
      const item = made("li", {}, ...(other.faces.length ? [picture(other.faces[0])] : []), made("bdi", { className: "called", textContent: called(other), title: called(other) }));
      item.dataset.person = other.number;
      item.addEventListener("dragover", (event) => { event.preventDefault(); item.classList.add("over"); });
      item.addEventListener("dragleave", () => item.classList.remove("over"));
      item.addEventListener("drop", (event) => { event.preventDefault(); item.classList.remove("over"); moveTo(other.face); });
      return item;
    }));
  };

  const faces = () => Array.from(marked);
  const moveTo = (which) => change({ do: "move", faces: faces(), person: which }, refresh);
  const split = () => marked.size && change({ do: "split", faces: faces() }, refresh);
  const nobody = () => marked.size && change({ do: "state", faces: faces(), what: "nobody" }, refresh);
  const hide = () => open && change({ do: "state", faces: open.faces.map((face) => face.id), what: open.state === "hidden" ? "show" : "hide" }, refresh);

  const fillChoice = () => inTurn(async () => {
    const given = await ask({ do: "people", begin: 0, find: byId("choose-find").value });
    byId("choose-list").replaceChildren(...given.people.filter((other) => open && other.number !== open.number).map((other) => {
      const button = made("button", { type: "button" }, ...other.faces.slice(0, 1).map(picture), ...heading(other));
      button.addEventListener("click", () => { byId("choose").close(); moveTo(other.face); });
      return made("li", {}, button);
    }));
  });
  const move = () => {
    if (!marked.size) return;
    byId("choose-find").value = "";
    byId("choose").showModal();
    fillChoice();
  };

  const turn = (toPeople) => {
    byId("people").hidden = !toPeople;
    byId("questions").hidden = toPeople;
    byId("to-people").ariaPressed = String(toPeople);
    byId("to-questions").ariaPressed = String(!toPeople);
    closeMessage();
    if (toPeople) inTurn(list);
  };

  const ended = (isLost = false) => {
    stream.close();
    if (isLost) byId("ended-lost").hidden = false;
    byId("ended").hidden = false;
  };

  byId("same").addEventListener("click", () => answer("same"));
  byId("different").addEventListener("click", () => answer("different"));
  byId("skip").addEventListener("click", () => answer("skip"));
  byId("undo").addEventListener("click", undo);
  byId("to-questions").addEventListener("click", () => turn(false));
  byId("to-people").addEventListener("click", () => turn(true));
  byId("message-close").addEventListener("click", closeMessage);
  byId("find").addEventListener("input", () => { begin = 0; inTurn(list); });
  byId("before").addEventListener("click", () => { begin = Math.max(0, begin - 60); inTurn(list); });
  byId("after").addEventListener("click", () => { begin += 60; inTurn(list); });
  byId("merge").addEventListener("click", () => change({ do: "merge", people: chosen() }, list));
  byId("back").addEventListener("click", () => inTurn(list));
  byId("name-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (open) change({ do: "name", person: open.face, name: byId("name").value }, refresh);
  });
  byId("split").addEventListener("click", split);
  byId("nobody").addEventListener("click", nobody);
  byId("move").addEventListener("click", move);
  byId("hide").addEventListener("click", hide);
  byId("choose-find").addEventListener("input", fillChoice);

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat || event.target.matches("input") || byId("choose").open) return;
    const asked = !byId("questions").hidden;
    const keys = asked
      ? { s: () => answer("same"), d: () => answer("different"), k: () => answer("skip"), u: undo }
      : { u: undo, ...(open === null ? {} : { x: split, n: nobody, m: move, h: hide, Escape: () => inTurn(list) }) };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key; // Caps Lock
    if (key in keys) {
      event.preventDefault();
      keys[key]();
    }
  });

  // The server ends when this stream does: with the tab, however it goes.
  const stream = new EventSource("/tab");
  stream.addEventListener("end", () => ended());
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) ended();
    else ask({ do: "question" }).catch(() => {}); // which finds out whether the server was killed
  });

  inTurn(async () => {
    show(await ask({ do: "question" }));
    document.documentElement.dataset.ready = "1";
  });
})();
