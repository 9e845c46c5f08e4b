// The page of a comparison: draws, filters and sorts what the element #comparison says.
//
// Text from files reaches the page as textContent only.
//
// Over 500 lines: the page is one file and carries one script, without a bundler.
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("comparison").textContent);
  const columns = data.columns;
  const main = document.querySelector("main");
  const tip = document.getElementById("tip");
  const kSeries = 8; // colours --s0 ... --s7
  const kFirstRows = 8; // of a chart, until all are asked for
  const kMarks = ["\u25b2", "\u25bc", "=", "?"]; // better, worse, same, unclear
  const kLooks = ["better", "worse", "same", "unclear"];
  const kInterval = "95 % interval";

  // ---- Data -----------------------------------------------------------------------------------

  const text = (index) => (index === null || index === undefined ? "" : data.texts[index]);
  // Order of a cell's array; what is absent is null or missing at the end.
  const cellFields = [
    "median", "low", "high", "count", "unsteady", "bound", "remark",
    "verdict", "ratio", "ratioLow", "ratioHigh", "p", "why",
  ];
  const known = (value) => value !== undefined && value !== null && value !== "";

  function cellOf(array) {
    if (!array) return null;
    const cell = {};
    cellFields.forEach((name, i) => (cell[name] = known(array[i]) ? array[i] : undefined));
    cell.remark = text(cell.remark);
    cell.why = text(cell.why);
    return cell;
  }

  const rows = data.rows.map(([key, fixture, part, metric, cells], index) => {
    const row = { index, key, fixture: text(fixture), part: text(part), shown: true };
    row.metric = data.metrics[metric];
    row.cells = cells.map(cellOf);
    const words = row.cells.filter((c) => c && known(c.verdict)).map((c) => row.metric.words[c.verdict]);
    row.words = [key, row.metric.counter, ...words].join(" ").toLowerCase();
    return row;
  });

  const columnName = (i) => columns[i].label + (columns[i].published ? " (published)" : "");
  // A fraction of a limit is read as a percentage; what only describes a row stays as it is.
  const isShare = (metric) => metric.ranked && metric.unit === "";
  const unitOf = (metric) => (isShare(metric) ? "%" : metric.unit);
  const scaled = (metric, value) => (isShare(metric) ? value * 100 : value);
  // "tok/s", "TTFT_ms", "joules, J", "MFU, %"
  function counterName(metric) {
    const unit = unitOf(metric);
    const told = unit === "" || metric.counter === unit || metric.counter.endsWith(`_${unit}`);
    return told ? metric.counter : `${metric.counter}, ${unit}`;
  }
  const direction = (metric) =>
    metric.ranked ? (metric.lower ? "lower is better" : "higher is better") : "describes the row";

  // ---- Text -----------------------------------------------------------------------------------

  // Three or four digits.
  function short(value) {
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size < 1e-4 || size >= 1e7) return value.toPrecision(3);
    if (size >= 99.95) return value.toFixed(0);
    if (size >= 9.995) return value.toFixed(1);
    if (size >= 0.9995) return value.toFixed(2);
    return value.toPrecision(3);
  }
  // Near 1 a ratio is read by its distance from 1.
  const ratioText = (ratio) => (Math.abs(ratio - 1) < 0.1 ? ratio.toFixed(3) : short(ratio));
  const times = (ratio) => `${ratioText(ratio)}\u00d7`;
  const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  function svg(name, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  // A name may go on in the next line behind a slash.
  function broken(name) {
    return name.split(/(?<=\/)/).flatMap((part, i) => (i === 0 ? [part] : [element("wbr"), part]));
  }

  const pen = document.createElement("canvas").getContext("2d");
  const family = getComputedStyle(document.body).fontFamily;
  function widthOf(words, size, weight = "") {
    pen.font = `${weight} ${size}px ${family}`;
    return pen.measureText(words).width;
  }
  // The beginning and the end round an ellipsis where the whole is too wide.
  function fitted(words, size, width, weight = "") {
    if (widthOf(words, size, weight) <= width) return words;
    const letters = [...words];
    for (let keep = letters.length - 1; keep > 1; --keep) {
      const head = Math.ceil(keep / 2);
      const cut = `${letters.slice(0, head).join("")}\u2026${letters.slice(head - keep).join("")}`;
      if (widthOf(cut, size, weight) <= width) return cut;
    }
    return "\u2026";
  }

  // ---- Tip ------------------------------------------------------------------------------------

  // Everything that is known of one row in one column, as [name, value].
  function describe(row, i) {
    const cell = row.cells[i];
    const { metric } = row;
    const facts = [];
    const value = (v) => `${short(scaled(metric, v))} ${unitOf(metric)}`.trim();
    facts.push([metric.counter, `${value(cell.median)} (${direction(metric)})`]);
    if (known(cell.low) && known(cell.high)) {
      const unit = unitOf(metric) === "" ? "" : ` ${unitOf(metric)}`;
      const [low, high] = [cell.low, cell.high].map((v) => short(scaled(metric, v)));
      facts.push([kInterval, `${low} to ${high}${unit}`]);
    }
    facts.push(["samples", known(cell.low) ? `${cell.count}` : `${cell.count}, too few for an interval`]);
    if (known(cell.bound)) facts.push(["meter's bound", `\u00b1 ${value(cell.bound)}`]);
    if (known(cell.verdict)) {
      facts.push(["verdict", `${metric.words[cell.verdict]} (against ${columns[data.baseline].label})`]);
      if (known(cell.ratio)) facts.push(["ratio", times(cell.ratio)]);
      if (known(cell.ratioLow) && known(cell.ratioHigh)) {
        facts.push([`ratio's ${kInterval}`, `${ratioText(cell.ratioLow)} to ${times(cell.ratioHigh)}`]);
      }
      if (known(cell.p)) facts.push(["p, adjusted", short(cell.p)]);
      if (cell.why) facts.push(["why", cell.why]);
    } else if (i === data.baseline) {
      facts.push(["verdict", "the baseline"]);
    }
    if (cell.unsteady && !cell.remark.includes("unsteady")) facts.push(["unsteady", "yes"]);
    if (cell.remark) facts.push(["remark", cell.remark]);
    return facts;
  }
  const said = (row, i) =>
    [`${columnName(i)}, ${row.key}`, ...describe(row, i).map((f) => f.join(" "))].join(", ");

  let told = null; // element that the tip is of

  function showTip(part) {
    const row = rows[part.dataset.r];
    const i = Number(part.dataset.c);
    const list = element("dl");
    for (const [name, value] of describe(row, i)) {
      list.append(element("dt", {}, name), element("dd", {}, value));
    }
    tip.replaceChildren(element("strong", {}, ...broken(row.key)), element("div", {}, columnName(i)), list);
    tip.hidden = false;
    if (told) told.classList.remove("hot");
    told = part;
    told.classList.add("hot");
    const box = part.getBoundingClientRect();
    const wide = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(box.left + 24, wide - tip.offsetWidth - 8));
    const under = box.bottom + 6;
    const above = box.top - tip.offsetHeight - 6;
    const top = under + tip.offsetHeight > window.innerHeight && above > 0 ? above : under;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${top + window.scrollY}px`;
  }
  function hideTip() {
    if (told) told.classList.remove("hot");
    told = null;
    tip.hidden = true;
  }

  // Tab reaches the figures of a chart or table once; arrows go from one to the next.
  function oneTabStop(group, stop) {
    const all = [...group.querySelectorAll("[data-c]")].filter((p) => !p.closest("[hidden]"));
    const kept = stop || all.find((p) => p.getAttribute("tabindex") === "0") || all[0];
    for (const part of all) part.setAttribute("tabindex", part === kept ? "0" : "-1");
    return all;
  }
  function tellFigures(group, grid) {
    const partOf = (event) => event.target.closest("[data-c]");
    group.addEventListener("pointerover", (event) => partOf(event) && showTip(partOf(event)));
    group.addEventListener("pointerleave", hideTip);
    group.addEventListener("pointerout", (event) => partOf(event) && hideTip());
    group.addEventListener("focusin", (event) => partOf(event) && showTip(partOf(event)));
    group.addEventListener("focusout", hideTip);
    group.addEventListener("click", (event) => {
      const part = partOf(event);
      if (!part) return;
      oneTabStop(group, part);
      part.focus({ preventScroll: true });
    });
    group.addEventListener("keydown", (event) => {
      const part = partOf(event);
      if (!part) return;
      if (event.key === "Escape") hideTip();
      const all = oneTabStop(group, part);
      const upright = grid && (event.key === "ArrowUp" || event.key === "ArrowDown");
      const line = upright ? all.filter((p) => p.dataset.c === part.dataset.c) : all;
      const at = line.indexOf(part);
      const to = {
        ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
        Home: 0, End: line.length - 1,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      if (!line[to]) return;
      oneTabStop(group, line[to]);
      line[to].focus({ preventScroll: true });
      line[to].scrollIntoView({ block: "nearest", inline: "nearest" });
      showTip(line[to]);
    });
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());

  // ---- Tables ---------------------------------------------------------------------------------

  // heads: {key, head, number, of(item), cell(item)}; the order of a click is ascending, then
  // descending. What is absent stands last. Returns a function that shows the items that pass.
  function table(name, heads, items, options = {}) {
    const caption = element("caption", { "aria-live": "polite" });
    const bar = element("tr");
    const body = element("tbody");
    let sort = null;
    const ordered = () => {
      const list = [...body.rows];
      const at = (line) => Number(line.dataset.i);
      const head = sort && heads.find((h) => h.key === sort.key);
      list.sort((a, b) => {
        if (!head) return at(a) - at(b);
        const x = head.of(items[at(a)]);
        const y = head.of(items[at(b)]);
        if (!known(x) || !known(y)) return Number(known(y)) - Number(known(x)) || at(a) - at(b);
        // Values of different counters have no order.
        const group = head.group ? head.group(items[at(a)]) - head.group(items[at(b)]) : 0;
        const order = head.number ? x - y : x.localeCompare(y, "en", { numeric: true });
        return group || (sort.down ? -order : order) || at(a) - at(b);
      });
      body.append(...list);
      for (const cell of bar.cells) {
        const sorted = sort && cell.dataset.key === sort.key;
        cell.setAttribute("aria-sort", sorted ? (sort.down ? "descending" : "ascending") : "none");
      }
      oneTabStop(made);
    };
    for (const head of heads) {
      const button = element("button", { type: "button" }, head.head);
      if (head.said) button.setAttribute("aria-label", head.said);
      button.addEventListener("click", () => {
        const again = sort && sort.key === head.key;
        sort = { key: head.key, down: again ? !sort.down : false };
        ordered();
      });
      const look = head.number ? "right" : "";
      bar.append(
        element("th", { scope: "col", "data-key": head.key, class: look, "aria-sort": "none" }, button),
      );
    }
    items.forEach((item, i) => {
      const line = element("tr", { "data-i": i });
      for (const head of heads) {
        const cell = element("td", { class: head.number ? "right" : "words" });
        const inside = head.cell ? head.cell(item) : head.of(item);
        if (known(inside)) cell.append(...(Array.isArray(inside) ? inside : [String(inside)]));
        line.append(cell);
      }
      body.append(line);
    });
    const made = element("table", { id: name });
    made.append(caption, element("thead", {}, ...(options.above ? [options.above] : []), bar), body);
    const show = (passes) => {
      let count = 0;
      for (const line of body.rows) {
        line.hidden = !passes(items[line.dataset.i]);
        if (!line.hidden) ++count;
      }
      caption.textContent = options.caption(count, items.length);
      oneTabStop(made);
    };
    show(() => true);
    tellFigures(made, true);
    const frame = element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": name });
    frame.append(made);
    return { frame, show };
  }

  // ---- Columns, warnings, context -------------------------------------------------------------

  // Bars of published figures are hatched.
  function patterns() {
    const defs = svg("defs");
    for (let i = 0; i < kSeries; ++i) {
      const pattern = svg("pattern", {
        id: `hatch${i}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
      });
      pattern.append(svg("rect", { width: 6, height: 6, class: "ground" }));
      pattern.append(svg("rect", { width: 2.5, height: 6, class: `c${i}` }));
      defs.append(pattern);
    }
    return svg("svg", { width: 0, height: 0, class: "defs", "aria-hidden": "true" }, defs);
  }
  function barLook(i) {
    const colour = i % kSeries;
    return columns[i].published
      ? { class: `bar o${colour}`, fill: `url(#hatch${colour})` }
      : { class: `bar c${colour} o${colour}` };
  }
  function swatch(i) {
    const box = svg("svg", { width: 18, height: 12, class: "swatch", "aria-hidden": "true" });
    box.append(svg("rect", { x: 0.75, y: 0.75, width: 16.5, height: 10.5, ...barLook(i) }));
    return box;
  }
  const tag = (words) => element("span", { class: "tag" }, words);

  function aboutColumns() {
    const list = element("ul", { id: "columns" });
    columns.forEach((column, i) => {
      const name = element("span", { class: "name" }, column.label);
      const line = element("li", {}, swatch(i), name);
      if (i === data.baseline) line.append(tag("baseline"));
      if (column.published) line.append(tag("published, not measured here"));
      const facts = [];
      if (known(column.chip) && column.chip !== column.label) facts.push(column.chip);
      if (known(column.tool) && column.tool !== "published") facts.push(column.tool);
      const files = column.files;
      if (files.length > 0) {
        const more = files.length > 3 ? ` and ${files.length - 3} more` : "";
        facts.push(files.slice(0, 3).join(", ") + more);
      }
      line.append(element("span", { class: "soft" }, facts.join(" \u00b7 ")));
      list.append(line);
    });
    return list;
  }

  function section(title, ...inside) {
    return element("section", {}, element("h2", {}, title), ...inside);
  }

  function warnings() {
    if (data.warnings.length === 0) return [];
    const list = element("ul", {}, ...data.warnings.map((w) => element("li", {}, w)));
    const title = element("h2", {}, plural(data.warnings.length, "warning"));
    return [element("aside", { id: "warnings", "aria-label": "warnings" }, title, list)];
  }

  function differences() {
    if (data.differences.length === 0) return [];
    const heads = [{ key: "what", head: "fact", of: (d) => d.what }];
    columns.forEach((_, i) =>
      heads.push({
        key: `c${i}`,
        head: columnName(i),
        of: (d) => d.values[i],
        cell: (d) => (known(d.values[i]) ? d.values[i] : [element("span", { class: "soft" }, "not told")]),
      }),
    );
    const made = table("differences", heads, data.differences, {
      caption: () => "What else differs between the columns, beside the chip",
    });
    return [section("Context differences", made.frame)];
  }

  function missing() {
    if (data.missing.length === 0) return [];
    const made = table(
      "missing",
      [
        { key: "column", head: "column", of: (m) => text(m[0]) },
        { key: "row", head: "row", of: (m) => m[1], cell: (m) => broken(m[1]) },
        { key: "why", head: "why", of: (m) => text(m[2]) },
      ],
      data.missing,
      { caption: () => "Rows that a column does not have; they are in no mean and have no verdict" },
    );
    const summary = element("summary", {}, plural(data.missing.length, "missing row"));
    return [section("Missing rows", element("details", {}, summary, made.frame))];
  }

  // ---- Summaries ------------------------------------------------------------------------------

  const groupName = (fixture, part) =>
    fixture === "" ? "other rows" : part === "" ? fixture : `${fixture}, ${part}`;

  // Ratio and interval on a logarithmic line round 1.
  function needle(summary, reach) {
    const width = 170;
    const x = (ratio) => {
      const at = Math.log(ratio) / Math.log(reach);
      return width / 2 + Math.max(-1, Math.min(1, at)) * (width / 2 - 6);
    };
    const i = columns.findIndex((c) => c.label === summary.column);
    const colour = Math.max(0, i) % kSeries;
    const made = svg("svg", { width, height: 18, class: "needle", "aria-hidden": "true" });
    made.append(svg("path", { d: `M0 9H${width}`, class: "axis" }));
    made.append(svg("path", { d: `M${width / 2} 1V17`, class: "one" }));
    if (known(summary.low) && known(summary.high)) {
      made.append(svg("path", { d: `M${x(summary.low)} 9H${x(summary.high)}`, class: `span o${colour}` }));
    }
    made.append(svg("circle", { cx: x(summary.ratio), cy: 9, r: 5, ...barLook(Math.max(0, i)) }));
    return made;
  }

  function summaries() {
    if (data.summaries.length === 0) return [];
    const ends = data.summaries.flatMap((s) => [s.ratio, s.low, s.high]).filter((v) => v > 0);
    const reach = Math.max(1.1, ...ends.map((v) => Math.max(v, 1 / v)));
    const metric = (s) => data.metrics[s.metric];
    const heads = [
      { key: "fixture", head: "rows of", of: (s) => (s.fixture === "" ? "all" : groupName(s.fixture, s.part)) },
      { key: "counter", head: "counter", of: (s) => metric(s).counter },
      { key: "better", head: "better", of: (s) => (metric(s).lower ? "lower" : "higher") },
      { key: "column", head: "column", of: (s) => s.column,
        cell: (s) => {
          const i = columns.findIndex((c) => c.label === s.column);
          return i < 0 ? s.column : [swatch(i), " ", columnName(i)];
        } },
      { key: "picture", head: `log, to ${times(reach)}`, of: (s) => s.ratio, number: true,
        cell: (s) => [needle(s, reach)] },
      { key: "ratio", head: "ratio", of: (s) => s.ratio, number: true,
        cell: (s) => [element("strong", {}, times(s.ratio))] },
      { key: "interval", head: kInterval, of: (s) => s.low, number: true,
        cell: (s) => (known(s.low) && known(s.high) ? `${ratioText(s.low)} to ${ratioText(s.high)}` : "") },
      { key: "rows", head: "common rows", of: (s) => s.rows, number: true },
      { key: "missing", head: "missing", of: (s) => s.missing, number: true },
    ];
    const made = table("summaries", heads, data.summaries, {
      caption: () =>
        `Geometric means of value over that of ${columns[data.baseline].label}, over the rows that ` +
        "both have. The interval tells how much rows differ, not how well each was measured.",
    });
    return [section("On the whole", made.frame)];
  }

  // ---- Charts ---------------------------------------------------------------------------------

  const kBar = 13;
  const kStep = 17;
  const kTitle = 19;
  const kGap = 10;
  const kFont = 11.5;

  // 1, 2 or 5 times a power of ten, so that about `count` ticks reach `end`.
  function tickStep(end, count) {
    const rough = end / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough);
  }

  // What stands behind a bar: value, and the verdict where there is one.
  function valueText(metric, cell, i) {
    const value = short(scaled(metric, cell.median));
    const judged = known(cell.verdict) && known(cell.ratio);
    const verdict = judged ? `${times(cell.ratio)} ${kMarks[cell.verdict]}` : "";
    const notes = [columns[i].published && "published", cell.unsteady && "unsteady"];
    return [value, verdict, notes.filter(Boolean).join(", ")];
  }

  // The part of a key that a chart's title does not say.
  function shortKey(row) {
    return row.fixture !== "" && row.key.startsWith(`${row.fixture}/`)
      ? row.key.slice(row.fixture.length + 1)
      : row.key;
  }

  const topOf = (row) =>
    Math.max(...row.cells.filter(Boolean).map((c) => Math.max(c.median, known(c.high) ? c.high : 0)), 0);

  function drawChart(list, metric, width) {
    const used = columns.map((_, i) => i).filter((i) => list.some((row) => row.cells[i]));
    const gutter = Math.min(
      width * 0.3,
      Math.max(...used.map((i) => widthOf(columns[i].label, kFont))) + 10,
    );
    const behind = Math.max(
      ...list.flatMap((row) =>
        used.filter((i) => row.cells[i]).map((i) => {
          const [value, ...more] = valueText(metric, row.cells[i], i);
          const wide = more.filter(Boolean).map((words) => 6 + widthOf(words, kFont));
          return widthOf(value, kFont, "600") + wide.reduce((a, b) => a + b, 0);
        }),
      ),
    );
    const room = Math.max(40, width - gutter - behind - 16);
    const tops = list.map(topOf).filter((t) => t > 0);
    // One scale for all rows would make bars of the small ones vanish.
    const own = tops.length > 1 && Math.max(...tops) > 20 * Math.min(...tops);
    const most = Math.max(...tops, Number.MIN_VALUE);
    const made = svg("svg", { width, role: "group", class: "chart" });
    const grid = svg("g", { "aria-hidden": "true" });
    made.append(grid);
    let y = 4;
    for (const row of list) {
      const top = own ? topOf(row) || 1 : most;
      const x = (value) => gutter + (Math.max(0, value) / top) * room;
      const name = svg("text", { x: 0, y: y + 12, class: "key" });
      name.append(fitted(shortKey(row), kFont, width - 4, "600"));
      made.append(name);
      y += kTitle;
      for (const i of used) {
        const cell = row.cells[i];
        if (!cell) continue;
        const [value, verdict, note] = valueText(metric, cell, i);
        const line = svg("g", { "data-r": row.index, "data-c": i, role: "img", "aria-label": said(row, i) });
        line.append(svg("rect", { x: 0, y, width, height: kStep, class: "touch" }));
        const label = svg("text", { x: gutter - 7, y: y + 11, "text-anchor": "end", class: "label" });
        label.append(fitted(columns[i].label, kFont, gutter - 8));
        line.append(label);
        const length = Math.max(1, x(cell.median) - gutter);
        line.append(svg("rect", { x: gutter, y: y + 1.5, width: length, height: kBar, ...barLook(i) }));
        let end = gutter + length;
        if (known(cell.low) && known(cell.high)) {
          const middle = y + 1.5 + kBar / 2;
          const [from, to] = [x(cell.low), x(cell.high)];
          const d = `M${from} ${middle}H${to}M${from} ${middle - 3.5}v7M${to} ${middle - 3.5}v7`;
          line.append(svg("path", { d, class: "halo" }), svg("path", { d, class: "whisker" }));
          end = Math.max(end, to);
        }
        const figure = svg("text", { x: end + 6, y: y + 11, class: "value" });
        figure.append(svg("tspan", { class: "figure" }, value));
        if (verdict) figure.append(svg("tspan", { dx: 6, class: kLooks[cell.verdict] }, verdict));
        if (note) figure.append(svg("tspan", { dx: 6, class: "note" }, note));
        line.append(figure);
        made.append(line);
        y += kStep;
      }
      y += kGap;
    }
    if (!own && tops.length > 0) {
      const end = scaled(metric, most);
      const step = tickStep(end, Math.max(2, Math.min(6, room / 60)));
      for (let n = 0; n * step <= end * 1.0001; ++n) {
        const x = gutter + ((n * step) / end) * room;
        grid.append(svg("path", { d: `M${x} 0V${y - 4}`, class: "grid" }));
        grid.append(svg("text", { x, y: y + 9, "text-anchor": "middle", class: "tick" }, tickText(n * step, step)));
      }
      y += 14;
    }
    made.setAttribute("height", y);
    made.setAttribute("viewBox", `0 0 ${width} ${y}`);
    made.setAttribute("aria-label", `${counterName(metric)}, ${plural(list.length, "row")}`);
    return { made, own };
  }
  function tickText(value, step) {
    if (value === 0) return "0";
    if (value >= 1e7 || step < 1e-4) return value.toPrecision(2);
    return value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  }

  const charts = []; // {figure, rows, metric, all, draw}

  // Rows that can be compared come first.
  function chart(all, metric) {
    const shared = (row) => row.cells.filter(Boolean).length > 1;
    const list = [...all.filter(shared), ...all.filter((row) => !shared(row))];
    const place = element("div");
    const note = element("span", { class: "soft" });
    const more = element("button", { type: "button", class: "more" });
    const title = element("strong", {}, counterName(metric));
    const figure = element("figure", {}, element("figcaption", {}, title, " ", note), place, more);
    const one = { figure, all: false, width: 0 };
    one.draw = () => {
      const passing = list.filter((row) => row.shown);
      figure.hidden = passing.length === 0;
      one.width = Math.floor(place.clientWidth || figure.clientWidth);
      if (figure.hidden || one.width === 0) return;
      const some = one.all ? passing : passing.slice(0, kFirstRows);
      const { made, own } = drawChart(some, metric, one.width);
      place.replaceChildren(made);
      note.textContent = direction(metric) + (own ? "; each row has a scale of its own" : "");
      more.hidden = passing.length <= kFirstRows;
      more.textContent = one.all ? `Show the first ${kFirstRows}` : `Show all ${passing.length} rows`;
      oneTabStop(place);
    };
    more.addEventListener("click", () => {
      one.all = !one.all;
      one.draw();
    });
    tellFigures(place, false);
    charts.push(one);
    return figure;
  }

  const groups = []; // sections of charts

  function chartSections() {
    const found = new Map();
    for (const row of rows) {
      if (!row.cells.some(Boolean)) continue;
      const name = groupName(row.fixture, row.part);
      if (!found.has(name)) found.set(name, new Map());
      const counters = found.get(name);
      if (!counters.has(row.metric)) counters.set(row.metric, []);
      counters.get(row.metric).push(row);
    }
    return [...found].map(([name, counters]) => {
      const grid = element("div", { class: "charts" });
      for (const [metric, list] of counters) grid.append(chart(list, metric));
      const made = section(name, grid);
      made.classList.add("fixture");
      groups.push(made);
      return made;
    });
  }

  // ---- All rows -------------------------------------------------------------------------------

  function verdictCell(row, i) {
    const cell = row.cells[i];
    if (!cell || !known(cell.verdict)) return "";
    const words = `${known(cell.ratio) ? `${times(cell.ratio)} ` : ""}${kMarks[cell.verdict]} ${row.metric.words[cell.verdict]}`;
    return [
      element("span", {
        class: `verdict ${kLooks[cell.verdict]}`, "data-r": row.index, "data-c": i, tabindex: "-1",
        role: "note", "aria-label": said(row, i),
      }, words),
    ];
  }
  function figureCell(row, i) {
    const cell = row.cells[i];
    if (!cell) return [element("span", { class: "soft", title: "no figure" }, "\u2013")];
    const parts = [short(scaled(row.metric, cell.median))];
    if (cell.unsteady) parts.push(element("span", { class: "soft" }, " unsteady"));
    return parts;
  }

  function allRows() {
    const heads = [
      { key: "row", head: "row", of: (r) => r.key, cell: (r) => broken(r.key) },
      { key: "counter", head: "counter", of: (r) => counterName(r.metric) },
    ];
    const above = element("tr", { class: "above" }, element("td", { colspan: 2 }));
    columns.forEach((column, i) => {
      const ratio = rows.some((r) => r.cells[i] && known(r.cells[i].verdict));
      const words = element("div", {}, swatch(i), " ", column.label);
      const head = element("th", { scope: "colgroup", colspan: ratio ? 2 : 1 }, words);
      if (column.published) head.append(element("div", { class: "soft" }, "published"));
      if (i === data.baseline) head.append(element("div", { class: "soft" }, "baseline"));
      above.append(head);
      heads.push({
        key: `v${i}`, head: "median", said: `median of ${columnName(i)}`, number: true,
        group: (r) => data.metrics.indexOf(r.metric),
        of: (r) => r.cells[i] && r.cells[i].median, cell: (r) => figureCell(r, i),
      });
      if (!ratio) return;
      heads.push({
        key: `r${i}`, head: "ratio, verdict", said: `ratio and verdict of ${columnName(i)}`, number: true,
        of: (r) => r.cells[i] && r.cells[i].ratio, cell: (r) => verdictCell(r, i),
      });
    });
    return table("rows", heads, rows, {
      above,
      caption: (count, all) =>
        `${count} of ${all} rows shown; medians sort within each counter; a verdict tells its reason on hover and focus`,
    });
  }

  // ---- Controls -------------------------------------------------------------------------------

  function controls(show) {
    const box = element("input", {
      type: "search", id: "filter", placeholder: "decode q4_0 slower", spellcheck: "false", autocomplete: "off",
    });
    const choice = element("select", { id: "counter" }, element("option", { value: "" }, "all"));
    data.metrics.forEach((metric, i) => {
      if (rows.some((row) => row.metric === metric)) {
        choice.append(element("option", { value: i }, metric.counter));
      }
    });
    const count = element("output", { id: "count", for: "filter counter" });
    const apply = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      const metric = choice.value === "" ? null : data.metrics[choice.value];
      for (const row of rows) {
        row.shown = words.every((w) => row.words.includes(w)) && (!metric || row.metric === metric);
      }
      const shown = rows.filter((row) => row.shown).length;
      count.textContent = `${shown} of ${plural(rows.length, "row")} shown`;
      show();
    };
    box.addEventListener("input", apply);
    choice.addEventListener("change", apply);
    const made = element("div", { id: "controls", role: "search" });
    made.append(
      element("label", {}, "Filter rows, counters, verdicts", box),
      element("label", {}, "Counter", choice),
      count,
    );
    return { made, apply };
  }

  // ---- Page -----------------------------------------------------------------------------------

  const listed = allRows();
  function show() {
    hideTip();
    for (const one of charts) one.draw();
    for (const group of groups) {
      group.hidden = ![...group.querySelectorAll("figure")].some((figure) => !figure.hidden);
    }
    listed.show((row) => row.shown);
  }
  // A hidden section has no width to draw in.
  function showAll() {
    for (const group of groups) group.hidden = false;
    show();
  }
  const { made: bar, apply } = controls(showAll);
  main.append(
    patterns(), aboutColumns(), ...warnings(), ...summaries(), ...differences(), ...missing(), bar,
    ...chartSections(), section("All rows", listed.frame),
  );
  apply();
  new ResizeObserver(() => {
    if (charts.some((one) => !one.figure.hidden && one.width !== one.figure.querySelector("div").clientWidth)) {
      showAll();
    }
  }).observe(main);
})();
