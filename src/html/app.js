// What pages do where scripts run: keys, copying, how long ago, live rows. Without it every page
// says and does the same, a little less comfortably. It sets text and moves elements that the
// server made; it never makes markup of text.
"use strict";

(() => {
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const one = (query) => document.querySelector(query);

  // copying
  for (const button of all("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    const says = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "copied";
      } catch {
        button.textContent = "not copied";
      }
      setTimeout(() => { button.textContent = says; }, 1500);
    });
  }

  // how long ago, and the time here
  const ago = (seconds) => {
    if (seconds < 0) return "in the future";
    if (seconds < 120) return `${Math.round(seconds)} s ago`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
    return `${Math.round(seconds / 86400)} d ago`;
  };
  const date = (within = document) => {
    for (const time of all("time[datetime]", within)) {
      const then = new Date(time.dateTime);
      if (Number.isNaN(then.getTime())) continue;
      const since = ago((Date.now() - then.getTime()) / 1000);
      time.title = `${time.dateTime} (${since}; here ${then.toLocaleString()})`;
    }
  };
  date();
  setInterval(date, 60000);

  // keys; a reader whose own tools use single keys switches them off on the help page
  const SWITCH = "git-ledger-keys";
  const remembered = () => {
    try { return localStorage.getItem(SWITCH) !== "off"; } catch { return true; }
  };
  let keys = remembered();
  const toggle = one("button[data-keys]");
  if (toggle) {
    const say = () => {
      toggle.textContent = keys ? "Switch the keys off" : "Switch the keys on";
      toggle.setAttribute("aria-pressed", String(keys));
    };
    toggle.hidden = false;
    say();
    toggle.addEventListener("click", () => {
      keys = !keys;
      try { localStorage.setItem(SWITCH, keys ? "on" : "off"); } catch { /* for this page then */ }
      say();
    });
  }

  const writes = (element) =>
    element instanceof HTMLElement &&
    (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  const go = (query) => {
    const link = one(query);
    if (link) link.click();
    return Boolean(link);
  };
  const step = (by) => {
    const links = all("[data-row] a[data-open]");
    if (links.length === 0) return false;
    const at = links.findIndex((link) => link.closest("[data-row]").contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
    links[next].focus();
    links[next].scrollIntoView({ block: "nearest" });
    return true;
  };
  const search = () => {
    const field = one("input[type=search]");
    if (!field) return false;
    field.focus();
    field.select();
    return true;
  };
  const ACTIONS = {
    j: () => step(1),
    k: () => step(-1),
    "/": search,
    "?": () => go("a[data-key='?']"),
    ArrowLeft: () => go("a[rel~=prev]"),
    ArrowRight: () => go("a[rel~=next]"),
    Home: () => go("a[data-first]"),
    End: () => go("a[data-last]"),
    p: () => go("button[data-tail]:not([hidden])"),
  };

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && writes(event.target)) {
      event.target.blur();
      return;
    }
    if (!keys || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.isComposing || writes(event.target)) return;
    // what scrolls sideways keeps its arrows
    const arrows = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
    if (arrows && event.target instanceof Element && event.target.closest(".scroll, pre")) return;
    let done = false;
    if (going > Date.now() - 1500 && /^[a-z]$/.test(event.key)) {
      going = 0;
      done = go(`a[data-key=${event.key}]`);
    } else if (event.key === "g") {
      going = Date.now();
      done = true;
    } else if (Object.hasOwn(ACTIONS, event.key)) {
      done = ACTIONS[event.key]();
    }
    if (done) event.preventDefault();
  });

  // live rows: the server tells that there is something new, and its own page is read again
  const button = one("button[data-tail]");
  const rows = one("[data-rows]");
  if (!button || !rows || !window.EventSource) return;
  const said = one("[data-tail-state]");
  const KEPT = 500;
  let source = null;
  let reading = false;
  let again = false;

  const say = (text) => { if (said) said.textContent = text; };
  const refresh = async () => {
    if (reading) { again = true; return; }
    reading = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-rows]");
      if (fresh) merge(fresh);
    } catch {
      say("the server did not answer; trying again with the next entry");
    } finally {
      reading = false;
      if (again) { again = false; setTimeout(refresh, 500); }
    }
  };
  const merge = (fresh) => {
    const known = new Set(all("[data-row]", rows).map((row) => row.dataset.row));
    let added = 0;
    for (const group of all("[data-day]", fresh).reverse()) {
      const list = group.querySelector(".rows");
      const fresh = all("[data-row]", list).filter((row) => !known.has(row.dataset.row));
      if (fresh.length === 0) continue;
      added += fresh.length;
      let place = all("[data-day]", rows).find((other) => other.dataset.day === group.dataset.day);
      if (!place) {
        place = document.adoptNode(group);
        for (const row of all("[data-row]", place)) row.classList.add("fresh");
        rows.prepend(place);
      } else {
        for (const row of fresh.reverse()) {
          row.classList.add("fresh");
          place.querySelector(".rows").prepend(document.adoptNode(row));
        }
      }
    }
    const empty = one("[data-empty]");
    if (added > 0 && empty) empty.remove();
    for (const row of all("[data-row]", rows).slice(KEPT)) row.remove();
    date(rows);
    if (added > 0) say(`${added} new ${added === 1 ? "entry" : "entries"}`);
  };
  const stop = () => {
    if (source) source.close();
    source = null;
    button.textContent = "Go live";
    button.setAttribute("aria-pressed", "false");
    say("paused");
  };
  const start = () => {
    source = new EventSource(button.dataset.tail);
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    say("live");
    source.addEventListener("entry", refresh);
    source.addEventListener("rewound", () => {
      stop();
      say("the ledger lost entries that were shown here: load the page again and look at the findings");
    });
    source.addEventListener("error", () => {
      say(source && source.readyState === EventSource.CLOSED ? "the server has ended it" : "the connection broke; it is tried again");
    });
    source.addEventListener("open", () => { say("live"); refresh(); });
  };
  button.hidden = false;
  button.addEventListener("click", () => (source ? stop() : start()));
  if ("live" in button.dataset) start(); else stop();
})();
