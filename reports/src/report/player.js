
"use strict";
// Plays the sessions that the page holds as JSON. Every text is set as text, never as markup.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const put = (parent, name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  };
  const html = (parent, name, text) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  };
  const field = (step, name) => { const found = step.d.find((pair) => pair[0] === name); return found ? found[1] : ""; };
  const span = (ns) => {
    const value = Number(ns);
    if (value >= 1e9) return (value / 1e9).toPrecision(4) + " s";
    if (value >= 1e6) return (value / 1e6).toPrecision(4) + " ms";
    if (value >= 1e3) return (value / 1e3).toPrecision(4) + " µs";
    return value + " ns";
  };
  const original = (packet) => packet.replace(/\+\d+$/, "");
  const words = (step) => step.s;

  for (const box of document.querySelectorAll(".player")) {
    const data = JSON.parse(document.getElementById(box.dataset.stories).textContent);
    const sessions = data.sessions;
    const part = (name) => box.querySelector("." + name);
    const pick = part("pick");
    sessions.forEach((session, index) => {
      const label = session.id + " · " + (session.outcome || "outcome unknown") + (session.attacked ? " · attacked" : "") + (session.broke ? " · broke" : "");
      const option = html(pick, "option", label);
      option.value = String(index);
    });
    let session = sessions[0], at = 0, timer = 0, lanes = [], marks = [], cursor = null;
    const ROW = 30, TOP = 46, WIDTH = 640, LEFT = 150, RIGHT = 70;

    const chart = () => {
      const initiator = session.id.replace(/\/\d+$/, "");
      const foes = [], nodes = [initiator];
      for (const step of session.steps) {
        const list = step.k === "adversary" ? foes : nodes;
        if (step.n && !list.includes(step.n)) list.push(step.n);
      }
      for (const step of session.steps) for (const name of [field(step, "@to"), field(step, "@from")]) if (name && !nodes.includes(name) && !foes.includes(name)) nodes.push(name);
      lanes = [nodes[0], ...foes, ...nodes.slice(1)];
      const x = (name) => { const lane = Math.max(lanes.indexOf(name), 0); return LEFT + (WIDTH - LEFT - RIGHT) * (lanes.length > 1 ? lane / (lanes.length - 1) : 0); };
      const y = (row) => TOP + row * ROW + ROW / 2;
      const height = TOP + session.steps.length * ROW + 12;
      const stage = part("chart");
      stage.textContent = "";
      const svg = put(stage, "svg", { viewBox: "0 0 " + WIDTH + " " + height, role: "img", "aria-label": "Message sequence chart of session " + session.id });
      cursor = put(svg, "rect", { class: "cursor", x: 0, y: 0, width: WIDTH, height: ROW });
      for (const name of lanes) {
        put(svg, "line", { class: foes.includes(name) ? "life foe" : "life", x1: x(name), y1: TOP - 8, x2: x(name), y2: height - 6 });
        put(svg, "text", { x: x(name), y: 22, "text-anchor": "middle" }, name);
      }
      marks = [];
      const arrivals = new Map(), acts = new Map();
      session.steps.forEach((step, row) => {
        const packet = original(field(step, "@packet"));
        if (step.k === "receive" && !arrivals.has(packet)) arrivals.set(packet, row);
        if (step.k === "adversary" && !acts.has(packet)) acts.set(packet, row);
      });
      let before = "";
      session.steps.forEach((step, row) => {
        const group = put(svg, "g", { class: "step" });
        marks.push(group);
        const after = span(BigInt(step.t) - BigInt(session.steps[0].t));
        if (after !== before) put(group, "text", { class: "time", x: 4, y: y(row) + 4 }, after);
        before = after;
        const from = x(step.n), last = lanes.indexOf(step.n) === lanes.length - 1 && lanes.length > 1;
        const arrow = (x1, y1, x2, y2, kind) => {
          put(group, "line", { class: "msg " + kind, x1, y1, x2, y2 });
          const angle = Math.atan2(y2 - y1, x2 - x1), tip = (turn) => (x2 - 13 * Math.cos(angle + turn)).toFixed(1) + "," + (y2 - 13 * Math.sin(angle + turn)).toFixed(1);
          if (kind !== "lost") put(group, "polygon", { class: "head " + kind, points: x2 + "," + y2 + " " + tip(0.4) + " " + tip(-0.4) });
        };
        const cross = (cx, cy) => { for (const turn of [1, -1]) put(group, "line", { class: "cross", x1: cx - 7, y1: cy - 7 * turn, x2: cx + 7, y2: cy + 7 * turn }); };
        const say = (text, dx) => put(group, "text", { x: last ? from - dx : from + dx, y: y(row) + 5, "text-anchor": last ? "end" : "start" }, text);
        const packet = original(field(step, "@packet"));
        if (step.k === "send" || (step.k === "adversary" && field(step, "@fate") === "injected")) {
          const end = arrivals.get(packet), act = acts.get(packet), foe = act !== undefined;
          const to = x(field(step, "@to") || (end !== undefined ? session.steps[end].n : step.n));
          if (end !== undefined) arrow(from, y(row), to, y(end), foe ? "foe" : "");
          else if (foe && step.k === "send") { arrow(from, y(row), x(session.steps[act].n), y(act), "lost"); }
          else { const mid = from + (to - from) * 0.6; arrow(from, y(row), mid, y(row) + 10, "lost"); cross(mid, y(row) + 10); }
          put(group, "text", { x: from + (to - from) * 0.3, y: y(row) - 4, "text-anchor": "middle" }, step.m || "?");
        }
        if (step.k === "adversary") {
          put(group, "polygon", { class: "dot foe", points: [[from, y(row) - 9], [from + 9, y(row)], [from, y(row) + 9], [from - 9, y(row)]].map((point) => point.join(",")).join(" ") });
          if (field(step, "@fate") === "adversary-drop") cross(from, y(row));
        } else if (step.k === "check" || step.k === "output" || step.k === "state" || step.k === "store") {
          const good = (step.k === "check" && field(step, "passed") === "true") || field(step, "output") === "accepted";
          const bad = step.k === "check" && !good;
          if (bad) cross(from, y(row)); else if (good) put(group, "rect", { class: "dot good", x: from - 6, y: y(row) - 6, width: 12, height: 12 }); else put(group, "circle", { class: "dot", cx: from, cy: y(row), r: 5 });
          say(words(step), 14);
        }
      });
      if (session.broke) {
        let row = session.steps.findIndex((step) => BigInt(step.t) > BigInt(session.broke[0]));
        if (row < 0) row = session.steps.length;
        const line = TOP + row * ROW;
        put(svg, "line", { class: "broke", x1: 0, y1: line, x2: WIDTH, y2: line });
        put(svg, "text", { class: "broke", x: WIDTH - 4, y: line - 4, "text-anchor": "end" }, "here the ends fell out of step (" + session.broke[1] + ")");
      }
    };

    const show = () => {
      const step = session.steps[at];
      marks.forEach((mark, index) => mark.classList.toggle("future", index > at));
      cursor.setAttribute("y", String(TOP + at * ROW));
      const frame = part("chart"), scale = frame.clientWidth / WIDTH;
      const y = (TOP + at * ROW) * scale;
      if (y < frame.scrollTop || y > frame.scrollTop + frame.clientHeight - 2 * ROW * scale) frame.scrollTop = Math.max(0, y - frame.clientHeight / 2);
      part("where").textContent = "step " + (at + 1) + " of " + session.steps.length + (data.total > sessions.length ? " · " + sessions.length + " of " + data.total + " kept sessions are in this page" : "");
      const now = part("now");
      now.textContent = "";
      html(now, "p", "+" + span(BigInt(step.t) - BigInt(session.steps[0].t)) + ": " + step.n + " " + words(step) + ".");
      if (step.d.length > 0) {
        const table = html(now, "table");
        for (const [name, value] of step.d) { const row = html(table, "tr"); const head = html(row, "th", name); head.scope = "row"; html(row, "td", value); }
      }
      const states = part("states");
      states.textContent = "";
      for (const name of lanes) {
        let state = "", shared = "";
        for (const earlier of session.steps.slice(0, at + 1)) if (earlier.n === name && earlier.k === "state") { if (field(earlier, "to")) state = field(earlier, "to"); else shared = "epoch " + field(earlier, "epoch") + ", " + (field(earlier, "fingerprints").replace(/[[\]"]/g, "").slice(0, 12) || "nothing shared"); }
        html(states, "dt", name);
        if (!state) { const later = session.steps.find((other) => other.n === name && other.k === "state" && field(other, "from")); state = later ? field(later, "from") : ""; }
        html(states, "dd", [state, shared, state || shared ? "" : "no state of its own"].filter((text) => text).join(" · "));
      }
    };
    const stop = () => { if (timer) { clearInterval(timer); timer = 0; part("play").textContent = "play"; part("play").setAttribute("aria-pressed", "false"); } };
    const go = (to) => { at = Math.min(Math.max(to, 0), session.steps.length - 1); show(); };
    const choose = (index) => { stop(); const kept = Math.min(Math.max(index, 0), sessions.length - 1); pick.value = String(kept); session = sessions[kept]; at = 0; chart(); show(); };
    const play = () => {
      if (timer) { stop(); return; }
      if (at === session.steps.length - 1) go(0);
      part("play").textContent = "pause"; part("play").setAttribute("aria-pressed", "true");
      timer = setInterval(() => { if (at === session.steps.length - 1) stop(); else go(at + 1); }, 700);
    };
    pick.addEventListener("change", () => choose(Number(pick.value)));
    part("first").addEventListener("click", () => { stop(); go(0); });
    part("back").addEventListener("click", () => { stop(); go(at - 1); });
    part("next").addEventListener("click", () => { stop(); go(at + 1); });
    part("last").addEventListener("click", () => { stop(); go(session.steps.length - 1); });
    part("play").addEventListener("click", play);
    box.addEventListener("keydown", (event) => {
      if (event.target === pick || event.ctrlKey || event.altKey || event.metaKey) return;
      const onButton = event.target instanceof HTMLButtonElement;
      const keys = { ArrowRight: () => { stop(); go(at + 1); }, ArrowLeft: () => { stop(); go(at - 1); }, Home: () => { stop(); go(0); }, End: () => { stop(); go(session.steps.length - 1); }, PageDown: () => choose(sessions.indexOf(session) + 1), PageUp: () => choose(sessions.indexOf(session) - 1), " ": onButton ? null : play };
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
    if (sessions.length > 0) choose(0);
  }
})();
