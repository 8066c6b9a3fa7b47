
"use strict";
// The slider: the people at another threshold. What is shown is what `pyface recluster` makes of it; nothing is written.
(() => {
  const byId = (id) => document.getElementById(id);
  const slider = byId("threshold");
  if (slider === null) return;
  const root = document.documentElement;
  const number = new Intl.NumberFormat("en");
  const counted = (n, one, several) => `${number.format(n)} ${n === 1 ? one : several}`;
  const thresholds = slider.dataset.thresholds.split(" ");
  const own = Number(slider.dataset.own);
  // Of an album too large for more, the page knows how many people there are at each threshold, and no face moves.
  const counts = slider.dataset.counts ? slider.dataset.counts.split(" ").map(Number) : null;
  const names = counts ? [] : Array.from(byId("live-names").children, (item) => item.textContent);

  // Whole numbers, 7 bits a byte, the highest bit set where more follow.
  const readNumbers = (text) => {
    const bytes = atob(text);
    let at = 0;
    return () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes.charCodeAt(at);
        at += 1;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
  };

  // Of each threshold: of each face the smallest one of its person, and what is said of people at their smallest faces.
  const readStops = () => {
    const next = readNumbers(byId("live-changes").textContent);
    const n = next();
    const first = Int32Array.from({ length: n }, (_, face) => face);
    const said = new Int32Array(n);
    return thresholds.map(() => {
      let face = -1;
      for (let left = next(); left > 0; left -= 1) {
        face += next() + 1;
        const value = next();
        first[face] = face - (value >> 1);
        said[face] = value & 1 ? next() : 0;
      }
      return { first: first.slice(), said: said.slice() };
    });
  };
  const stops = counts ? [] : readStops();

  // People by their smallest faces, with the numbers that `recluster` gives: by size, then by smallest face.
  const peopleAt = (place) => {
    const { first, said } = stops[place];
    const sizes = new Int32Array(first.length);
    for (const leader of first) sizes[leader] += 1;
    const leaders = Array.from(first.keys()).filter((face) => first[face] === face);
    leaders.sort((a, b) => sizes[b] - sizes[a] || a - b);
    const people = new Map();
    leaders.forEach((leader, rank) => {
      const flags = said[leader];
      people.set(leader, {
        leader, number: rank, size: sizes[leader], isAside: (flags & 1) > 0, isHidden: (flags & 2) > 0, name: flags >> 2 ? names[(flags >> 2) - 1] : "", items: [],
      });
    });
    return people;
  };

  // Which people are whom of the page as it is: those with most faces in common, ties by the smaller first faces.
  const whoTheyWere = (place) => {
    const before = stops[own].first;
    const now = stops[place].first;
    const n = now.length;
    const common = new Map();
    for (let face = 0; face < n; face += 1) {
      const pair = before[face] * n + now[face];
      common.set(pair, (common.get(pair) || 0) + 1);
    }
    const pairs = Array.from(common).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const was = new Map();
    const isTaken = new Set();
    for (const [pair] of pairs) {
      const then = Math.floor(pair / n);
      if (was.has(pair % n) || isTaken.has(then)) continue;
      was.set(pair % n, then);
      isTaken.add(then);
    }
    return was;
  };

  const make = (tag, cls, text) => {
    const element = document.createElement(tag);
    if (cls) element.className = cls;
    if (text) element.textContent = text;
    return element;
  };

  // The faces of the page, in the order of their numbers, with what was shown of them last.
  const faces = Array.from(counts ? [] : document.querySelectorAll(".face"), (item) => ({
    item, face: Number(item.dataset.face), photo: item.dataset.photo, picture: item.querySelector(".picture").firstElementChild, who: item.querySelector(".who"), told: item.dataset.called, from: "", moved: null, single: item.classList.contains("single"), nameless: false, person: null,
  })).sort((a, b) => a.face - b.face);
  // The numbers of the people of this page, which need not be by size, and their names, by their smallest faces.
  const numbered = new Map(faces.map(({ item, face }) => [
    stops[own].first[face], { number: Number(item.dataset.person), was: item.dataset.called === "Face set aside" ? "was set aside" : `was ${item.dataset.called}` },
  ]));

  const groups = counts ? {} : Object.fromEntries(["several", "once", "aside"].map((id) => [id, byId(id).parentElement]));
  const lists = counts ? {} : { once: groups.once.querySelector(".faces"), aside: groups.aside.querySelector(".faces") };
  const sections = new Map(Array.from( // by the smallest face of whom they were on this page, or are, less than 0
    counts ? [] : document.querySelectorAll(".person"), (section) => [stops[own].first[section.querySelector(".face").dataset.face], section],
  ));

  const showCalled = (section, person) => {
    const heading = section.querySelector("h3");
    const text = person.name ? `${person.name}\n${person.number}` : String(person.number);
    if (heading.dataset.shown !== text) {
      heading.dataset.shown = text;
      if (person.name) {
        heading.replaceChildren(make("bdi", "called", person.name), " ", make("span", "number", String(person.number)));
      } else {
        heading.replaceChildren("Person ", make("span", "big", String(person.number)));
      }
      section.id = `person-${person.number}`;
      heading.id = `name-${person.number}`;
      section.setAttribute("aria-labelledby", heading.id);
    }
    const shown = person.items.length;
    const size = shown < person.size ? `${number.format(shown)} of ${number.format(person.size)} shown` : counted(shown, "face", "faces");
    const line = section.querySelector("p");
    if (line.textContent !== size) line.textContent = size;
  };

  const newSection = () => {
    const section = make("section", "person");
    const label = make("div", "label");
    label.append(make("h3"), make("p"));
    section.append(label, make("ul", "faces"));
    return section;
  };

  // What is seen of a face. Texts stand in elements that stay, as empty ones are not shown.
  const showFace = (entry, person, isSingle, from) => {
    const { item } = entry;
    if (entry.single !== isSingle) {
      entry.single = isSingle;
      item.classList.toggle("single", isSingle);
    }
    const called = isSingle && !person.isAside ? person.called : "";
    if (called && !entry.who) {
      entry.who = make("bdi", "who", called);
      entry.who.ariaHidden = "true";
      item.querySelector(".picture").after(entry.who);
      entry.told = called;
    } else if (called !== "" && entry.told !== called) {
      entry.who.firstChild.data = called;
      entry.told = called;
    }
    if (entry.nameless !== (called === "")) {
      entry.nameless = called === "";
      item.classList.toggle("nameless", entry.nameless);
    }
    if (entry.from !== from) {
      if (entry.from === "" || from === "") item.classList.toggle("moved", from !== "");
      entry.from = from;
      if (!entry.moved && from) item.firstElementChild.append(entry.moved = make("span", "from"));
      if (entry.moved) entry.moved.textContent = from;
    }
    entry.person = person;
  };

  // What is read aloud and looked for, a moment later: there is much of it, since numbers follow sizes.
  const describe = () => {
    for (const { item, photo, picture, single, person } of faces) {
      const text = String(person.number);
      if (item.dataset.person !== text) item.dataset.person = text;
      const id = `person-${text}`;
      if (single ? item.id !== id : item.id !== "") {
        if (single) item.id = id;
        else item.removeAttribute("id");
      }
      if (item.dataset.called !== person.called) {
        item.dataset.called = person.called;
        const words = `${person.called} in ${photo}`;
        if (picture.localName === "img") picture.alt = words;
        else picture.setAttribute("aria-label", `${words}, no picture`);
      }
    }
    root.dataset.described = slider.value;
    document.dispatchEvent(new CustomEvent("described"));
  };

  // Where a browser can, an element is moved without being taken out, which spares its picture.
  const put = (parent, element, at) => {
    if (parent.moveBefore && element.isConnected && parent.isConnected) parent.moveBefore(element, at);
    else parent.insertBefore(element, at);
  };

  // Put elements into a parent in this order; those that stand right are left alone, and those that do not belong.
  const arrange = (parent, wanted, begin, belongs) => {
    let at = begin;
    for (const element of wanted) {
      while (at !== null && at !== element && !belongs(at)) at = at.nextElementSibling;
      if (at !== null && at !== element && at.nextElementSibling === element) at = element; // what is passed comes later
      if (at === element) at = at.nextElementSibling;
      else put(parent, element, at);
    }
  };

  let later = 0;
  const show = (place) => {
    const { first } = stops[place];
    const people = peopleAt(place);
    const was = whoTheyWere(place);
    for (const entry of faces) people.get(first[entry.face]).items.push(entry);
    const seen = Array.from(people.values()).filter((person) => person.items.length > 0);
    for (const person of seen) {
      if (place === own) person.number = numbered.get(person.leader).number;
      person.called = person.name || (person.isAside ? "Face set aside" : `Person ${person.number}`);
      if (person.isHidden) for (const entry of person.items) entry.person = person;
    }
    const shown = seen.filter((person) => !person.isHidden);
    shown.sort((a, b) => b.size - a.size || a.number - b.number);

    const wanted = { several: [], once: [], aside: [] };
    for (const person of shown) {
      const group = person.isAside ? "aside" : person.size > 1 ? "several" : "once";
      const isSingle = group !== "several";
      for (const entry of person.items) {
        const then = stops[own].first[entry.face];
        const hasMoved = place !== own && was.get(person.leader) !== then;
        showFace(entry, person, isSingle, hasMoved ? numbered.get(then).was : "");
      }
      const items = person.items.map(({ item }) => item);
      if (isSingle) {
        wanted[group].push(...items);
      } else {
        const key = was.has(person.leader) ? was.get(person.leader) : -1 - person.leader;
        if (!sections.has(key)) sections.set(key, newSection());
        const section = sections.get(key);
        showCalled(section, person);
        wanted.several.push(section);
        section.wanted = items;
      }
    }

    const listOf = new Map();
    for (const section of wanted.several) for (const item of section.wanted) listOf.set(item, section.lastElementChild);
    for (const group of ["once", "aside"]) for (const item of wanted[group]) listOf.set(item, lists[group]);
    for (const { item } of faces) if (!listOf.has(item)) item.remove();
    // Sections first, so that faces go from one place of the document to another.
    const stays = new Set(wanted.several);
    arrange(groups.several, wanted.several, groups.several.firstElementChild.nextElementSibling, (section) => stays.has(section));
    for (const section of wanted.several) {
      const list = section.lastElementChild;
      arrange(list, section.wanted, list.firstElementChild, (item) => listOf.get(item) === list);
    }
    for (const group of ["once", "aside"]) {
      const list = lists[group];
      arrange(list, wanted[group], list.firstElementChild, (item) => listOf.get(item) === list);
    }
    for (const section of sections.values()) if (!stays.has(section)) section.remove();
    const isSomebody = (person) => !person.isAside && !person.isHidden;
    const n = Array.from(people.values()).filter(isSomebody).length;
    const moved = stops[own].first.reduce((sum, then, face) => sum + (was.get(first[face]) !== then), 0);
    tell(place, n, `, ${counted(moved, "face", "faces")} moved`);
    root.toggleAttribute("data-elsewhere", place !== own);
    const more = byId("more");
    const left = n - shown.filter(isSomebody).length;
    more.hidden = left === 0;
    more.textContent = `${counted(left, "more person is", "more people are")} not shown here.`;
    root.dataset.moved = String(moved);
    document.dispatchEvent(new CustomEvent("regrouped"));
    clearTimeout(later);
    later = setTimeout(describe, 150);
  };

  const output = byId("live-count");
  const command = byId("command");
  const tell = (place, n, moved) => {
    const isOwn = place === own;
    const before = Number(slider.dataset.people);
    const change = n === before ? "as many" : `${number.format(Math.abs(n - before))} ${n < before ? "fewer" : "more"}`;
    output.textContent = counted(n, "person", "people") + (isOwn ? "" : ` (${change})${moved}`);
    byId("live-value").textContent = thresholds[place];
    slider.setAttribute("aria-valuetext", thresholds[place]);
    byId("live-reset").disabled = isOwn;
    byId("live-hint").hidden = !isOwn;
    command.hidden = isOwn;
    command.textContent = isOwn ? "" : [`pyface recluster ${folder}`, slider.dataset.options, `--threshold ${thresholds[place]}`].filter(Boolean).join(" ");
  };

  // The folder of this page, where it was opened from a disk, quoted as a shell needs it. The page itself says no path.
  const folderOfPage = () => {
    if (location.protocol !== "file:") return "OUT";
    let path;
    try {
      path = decodeURIComponent(location.pathname.slice(0, location.pathname.lastIndexOf("/")));
    } catch {
      return "OUT"; // a name that is no text
    }
    const isWindows = /^\/[A-Za-z]:/.test(path);
    if (isWindows) path = path.slice(1).replaceAll("/", "\\");
    // What would show as something else than it is.
    if (!path || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path)) return "OUT";
    if (/^[\w@%+=:,./-]+$/.test(path)) return path;
    return isWindows ? `"${path}"` : `'${path.replaceAll("'", `'"'"'`)}'`;
  };
  const folder = folderOfPage();

  let shownPlace = own;
  const go = (place) => {
    slider.value = String(place);
    if (place === shownPlace) return;
    shownPlace = place;
    if (counts) {
      tell(place, counts[place], "");
      root.dataset.described = slider.value;
    } else {
      show(place);
    }
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  byId("live-reset").addEventListener("click", () => {
    go(own);
    slider.focus();
  });

  // What is under the bar of tools, which is higher with a slider in it, is to stay in sight.
  const tools = slider.closest(".tools");
  new ResizeObserver(() => root.style.setProperty("--below-tools", `${tools.offsetHeight + 12}px`)).observe(tools);

  slider.value = String(own); // a browser may have kept another one

  // report.html#threshold=0.43 opens the page there, or at the nearest that is known.
  const asked = Number(new URLSearchParams(location.hash.slice(1)).get("threshold"));
  if (asked > 0) {
    const away = thresholds.map((text) => Math.abs(Number(text) - asked));
    go(away.indexOf(Math.min(...away)));
  }
})();
