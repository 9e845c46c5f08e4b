// The page of a roofline plot: shows, hides, sorts and saves what the program drew.
//
// The pictures say what they show by index: data-p lists points, data-r lists roofs, as in the JSON
// of the element #model. Text from files reaches the page as textContent only.
//
// Over 500 lines: the page is one file and carries one script, without a bundler.
(() => {
  "use strict";

  const model = JSON.parse(document.getElementById("model").textContent);
  const named = (array) => {
    const point = {};
    array.forEach((value, i) => {
      if (value !== null) point[model.fields[i]] = value;
    });
    // What the others tell is not told twice.
    point.fixture = point.row.split("/")[0];
    if (point.roof) point.level = point.roof.split(" ").pop();
    if (point.flop_per_byte) point.byte_per_s ??= point.flop_per_s / point.flop_per_byte;
    return point;
  };
  // Rows without a place in the picture follow the points, so that indices stay those of data-p.
  const points = model.points.concat(model.unplaced).map(named);
  const pictures = [...document.querySelectorAll(".picture")];
  const tip = document.getElementById("tip");
  const manyChips = model.chips.length > 1;

  const state = {
    axis: (pictures.find((p) => !p.hidden) || pictures[0]).dataset.axis,
    off: { chip: new Set(), format: new Set(), level: new Set() },
    leastShare: 0,
    sort: { key: "number", down: false },
    hot: null, // index of the point that the tip is of
  };

  // ---- Text -----------------------------------------------------------------------------------

  // Three or four digits, as in the picture.
  function short(value) {
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size < 1e-4 || size >= 1e7) return value.toPrecision(3);
    if (size >= 99.95) return value.toFixed(0);
    if (size >= 9.995) return value.toFixed(1);
    if (size >= 0.9995) return value.toFixed(2);
    return value.toPrecision(3);
  }

  // "3", "3,4", "3–5,9"
  function ranges(numbers) {
    const parts = [];
    for (let i = 0; i < numbers.length; ) {
      let last = i;
      while (last + 1 < numbers.length && numbers[last + 1] === numbers[last] + 1) ++last;
      const joint = last === i + 1 ? "," : "\u2013";
      parts.push(last === i ? `${numbers[i]}` : `${numbers[i]}${joint}${numbers[last]}`);
      i = last + 1;
    }
    return parts.join(",");
  }

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A name may go on in the next line behind a slash.
  function broken(name) {
    return name.split(/(?<=\/)/).flatMap((part, i) => (i === 0 ? [part] : [element("wbr"), part]));
  }

  // int8 counts operations that are not of floating point.
  const operations = (point) => (point.format === "int8" ? "GOP" : "GFLOP");

  // Of the table, the tip and the CSV. `csv` is in SI units; absent values stay absent.
  const columns = [
    { key: "number", head: "#", csv: "number", of: (p) => p.number },
    { key: "row", head: "row", text: true, csv: "row", of: (p) => p.row },
    { key: "chip", head: "chip", text: true, csv: "chip", of: (p) => model.chips[p.chip] },
    { key: "fixture", head: "fixture", text: true, csv: "fixture", of: (p) => p.fixture, quiet: true },
    { key: "format", head: "format", text: true, csv: "format", of: (p) => p.format },
    { key: "roof", head: "held against", text: true, csv: "roof", of: (p) => p.roof },
    { key: "bound", head: "bound", text: true, csv: "bound", of: (p) => p.bound },
    { key: "intensity", head: "FLOP/byte", csv: "flop_per_byte", of: (p) => p.flop_per_byte },
    { key: "speed", head: "GFLOP/s", csv: "flop_per_s", of: (p) => p.flop_per_s, unit: 1e9 },
    { key: "bandwidth", head: "GB/s", csv: "byte_per_s", of: (p) => p.byte_per_s, unit: 1e9 },
    { key: "percent", head: "% of attainable", csv: "share_of_attainable", of: (p) => p.share, unit: 0.01 },
    { key: "joules", head: "J", csv: "joules", of: (p) => p.joules },
    { key: "efficiency", head: "GFLOP/J", csv: "flop_per_joule", of: (p) => p.flop_per_joule, unit: 1e9 },
    { key: "energy_percent", head: "% of energy roof", csv: "share_of_energy_roof", of: (p) => p.joule_share, unit: 0.01 },
    { key: "time", head: "time, s", csv: "time_s", of: (p) => p.time_s, quiet: true },
    { key: "time_percent", head: "% of time", csv: "time_share", of: (p) => p.time_share, unit: 0.01 },
    { key: "remark", head: "remark", text: true, csv: "remark", of: (p) => p.remark },
  ];
  const known = (value) => value !== undefined && value !== "";
  // A column that nobody has a value for is left out, as joules are where there is no meter.
  const tableColumns = columns.filter(
    (c) => !c.quiet && c.key !== "remark" && (c.key !== "chip" || manyChips) && points.some((p) => known(c.of(p))),
  );

  function cellText(column, point) {
    const value = column.of(point);
    if (!known(value)) return "";
    if (column.text || column.key === "number") return String(value);
    return short(value / (column.unit || 1));
  }

  // ---- What is shown --------------------------------------------------------------------------

  const on = (kind, value) => !known(value) || !state.off[kind].has(value);
  const pointOn = (p) =>
    on("chip", model.chips[p.chip]) &&
    on("format", p.format) &&
    on("level", p.level) &&
    (p.time_share || 0) >= state.leastShare;
  const roofOn = (r) =>
    on("chip", model.chips[r.chip]) && on("format", r.format) && on("level", r.level);
  const indices = (list) => list.split(" ").map(Number);

  const picture = () => pictures.find((p) => p.dataset.axis === state.axis);

  function show() {
    for (const one of pictures) {
      one.hidden = one.dataset.axis !== state.axis;
      for (const part of one.querySelectorAll("[data-r]")) {
        const shown = indices(part.dataset.r).some((i) => roofOn(model.roofs[i]));
        // A line of the roofs' table stays in its place.
        part.classList.toggle(part.matches(".row") ? "dim" : "off", !shown);
      }
      for (const part of one.querySelectorAll("[data-p]")) {
        const shown = indices(part.dataset.p).filter((i) => pointOn(points[i]));
        part.classList.toggle("off", shown.length === 0);
        if (part.localName === "text" && shown.length > 0) {
          part.textContent = ranges(shown.map((i) => points[i].number));
        }
      }
    }
    for (const row of body.rows) row.hidden = !pointOn(points[row.dataset.i]);
    const shown = points.filter(pointOn).length;
    caption.textContent = `${shown} of ${points.length} rows shown`;
    hideTip();
    oneTabStop();
  }

  // ---- Points: hover and keyboard -------------------------------------------------------------

  const markers = (one = picture()) =>
    [...one.querySelectorAll(".p[data-p]")].filter((g) => !g.classList.contains("off"));
  const markerOf = (i) => picture().querySelector(`.p[data-p="${i}"]`);

  function describe(p) {
    const what = operations(p);
    const facts = [];
    const add = (name, value, unit) => known(value) && facts.push([name, `${value} ${unit}`.trim()]);
    if (manyChips) add("chip", model.chips[p.chip], "");
    add("format", p.format, "");
    if (known(p.flop_per_byte)) add("intensity", short(p.flop_per_byte), "FLOP/byte");
    if (known(p.flop_per_s)) add("speed", short(p.flop_per_s / 1e9), `${what}/s`);
    if (known(p.share)) add("of attainable", short(p.share * 100), known(p.roof) ? `% (${p.roof})` : "%");
    add("bound", p.bound, "");
    if (known(p.joules)) add("joules", short(p.joules), "J");
    if (known(p.flop_per_joule)) add("efficiency", short(p.flop_per_joule / 1e9), `${what}/J`);
    if (known(p.joule_share)) add("of energy roof", short(p.joule_share * 100), "%");
    if (known(p.time_share)) add("of the time", short(p.time_share * 100), "%");
    add("remark", p.remark, "");
    return facts;
  }

  function heat(i, hot) {
    for (const one of pictures) {
      const marker = one.querySelector(`.p[data-p="${i}"]`);
      if (marker) marker.classList.toggle("hot", hot);
    }
    const row = [...body.rows].find((r) => Number(r.dataset.i) === i);
    if (row) row.classList.toggle("hot", hot);
  }

  function showTip(i) {
    if (state.hot === i) return;
    hideTip();
    const marker = markerOf(i);
    if (!marker || marker.classList.contains("off")) return;
    state.hot = i;
    heat(i, true);
    const p = points[i];
    const list = element("dl");
    for (const [name, value] of describe(p)) {
      list.append(element("dt", {}, name), element("dd", {}, value));
    }
    tip.replaceChildren(element("strong", {}, `${p.number}: ${p.row}`), list);
    tip.hidden = false;
    const around = tip.parentElement.getBoundingClientRect();
    const at = marker.getBoundingClientRect();
    let left = at.right - around.left + 10;
    if (left + tip.offsetWidth > around.width) left = at.left - around.left - tip.offsetWidth - 10;
    const top = Math.min(at.top - around.top, around.height - tip.offsetHeight);
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, top)}px`;
  }

  function hideTip() {
    if (state.hot !== null) heat(state.hot, false);
    state.hot = null;
    tip.hidden = true;
  }

  // The point next to the pointer: markers may lie on each other, and they are small.
  function nearest(event) {
    let best = null;
    let least = 14; // px
    for (const marker of markers()) {
      const box = marker.getBoundingClientRect();
      const x = (box.left + box.right) / 2 - event.clientX;
      const y = (box.top + box.bottom) / 2 - event.clientY;
      if (Math.hypot(x, y) < least) {
        least = Math.hypot(x, y);
        best = marker;
      }
    }
    return best;
  }

  // Tab reaches the points once; arrows go from one to the next.
  function oneTabStop(stop) {
    const all = markers();
    for (const marker of all) marker.setAttribute("tabindex", "-1");
    if (all.length > 0) (stop || all[0]).setAttribute("tabindex", "0");
  }

  function move(from, key) {
    const number = (g) => Number(g.dataset.p);
    const upright = key === "ArrowUp" || key === "ArrowDown";
    const value = (g) => {
      const p = points[number(g)];
      if (!upright) return p.flop_per_byte;
      return state.axis === "energy" ? p.flop_per_joule : p.flop_per_s;
    };
    const all = markers().sort((a, b) => value(a) - value(b) || number(a) - number(b));
    const at = all.indexOf(from);
    const to = {
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      Home: 0,
      End: all.length - 1,
    }[key];
    if (to === undefined || !all[to]) return to !== undefined;
    oneTabStop(all[to]);
    all[to].focus({ preventScroll: true });
    return true;
  }

  function preparePoints() {
    for (const one of pictures) {
      for (const marker of one.querySelectorAll(".p[data-p]")) {
        const p = points[marker.dataset.p];
        marker.setAttribute("role", "img");
        const facts = describe(p).map(([name, value]) => `${name} ${value}`);
        marker.setAttribute("aria-label", [`${p.number}: ${p.row}`, ...facts].join(", "));
      }
      one.addEventListener("pointermove", (event) => {
        const marker = nearest(event);
        if (marker) showTip(Number(marker.dataset.p));
        else if (!document.activeElement.matches(".p[data-p]")) hideTip();
      });
      one.addEventListener("pointerleave", hideTip);
      one.addEventListener("focusin", (event) => {
        const marker = event.target.closest(".p[data-p]");
        if (marker) showTip(Number(marker.dataset.p));
      });
      one.addEventListener("focusout", hideTip);
      one.addEventListener("click", (event) => {
        const marker = nearest(event);
        if (!marker) return;
        oneTabStop(marker);
        marker.focus({ preventScroll: true });
      });
      one.addEventListener("keydown", (event) => {
        const marker = event.target.closest(".p[data-p]");
        if (!marker) return;
        let done = true;
        if (event.key === "Escape") hideTip();
        else if (event.key === "Enter") goToRow(Number(marker.dataset.p));
        else done = move(marker, event.key);
        if (done) event.preventDefault();
      });
    }
  }

  // ---- Table ----------------------------------------------------------------------------------

  const caption = element("caption", { "aria-live": "polite" });
  const heads = element("tr");
  const body = element("tbody");

  function goToRow(i) {
    const row = [...body.rows].find((r) => Number(r.dataset.i) === i);
    row.querySelector("button").focus();
    row.scrollIntoView({ block: "nearest" });
  }

  function sortRows() {
    const { key, down } = state.sort;
    const column = columns.find((c) => c.key === key);
    const value = (row) => column.of(points[row.dataset.i]);
    const rows = [...body.rows].sort((a, b) => {
      const x = value(a);
      const y = value(b);
      // What is absent stands last, whatever the order.
      if (!known(x) || !known(y)) return Number(known(y)) - Number(known(x));
      const order = column.text ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      return (down ? -order : order) || a.dataset.i - b.dataset.i;
    });
    body.append(...rows);
    for (const head of heads.cells) {
      const sorted = head.dataset.key === key;
      head.setAttribute("aria-sort", sorted ? (down ? "descending" : "ascending") : "none");
    }
  }

  function prepareTable() {
    for (const column of tableColumns) {
      const button = element("button", { type: "button" }, column.head);
      button.addEventListener("click", () => {
        const again = state.sort.key === column.key;
        state.sort = { key: column.key, down: again ? !state.sort.down : false };
        sortRows();
      });
      const look = column.text ? "" : "right";
      heads.append(element("th", { scope: "col", "data-key": column.key, class: look }, button));
    }
    points.forEach((p, i) => {
      const row = element("tr", { "data-i": i });
      for (const column of tableColumns) {
        const cell = element("td", { class: column.text ? column.key : "right" });
        if (column.key === "number" && known(p.number)) {
          const button = element("button", { type: "button" }, String(p.number));
          button.setAttribute("aria-label", `${p.number}: show in the picture`);
          button.addEventListener("click", () => {
            const marker = markerOf(i);
            if (!marker) return;
            oneTabStop(marker);
            marker.scrollIntoView({ block: "center" });
            marker.focus({ preventScroll: true });
          });
          cell.append(button);
        } else if (column.key === "row") {
          cell.append(...broken(p.row));
          if (known(p.remark)) cell.append(element("div", { class: "remark" }, p.remark));
        } else {
          cell.append(cellText(column, p));
        }
        row.append(cell);
      }
      row.addEventListener("pointerenter", () => heat(i, true));
      row.addEventListener("pointerleave", () => heat(i, false));
      body.append(row);
    });
    document
      .getElementById("rows")
      .append(element("table", {}, caption, element("thead", {}, heads), body));
    sortRows();
  }

  // ---- Files ----------------------------------------------------------------------------------

  // The rows shown, in the table's order; RFC 4180, numbers in SI units.
  function csv() {
    const field = (value) => {
      if (!known(value)) return "";
      const text = String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [columns.map((c) => c.csv).join(",")];
    for (const row of body.rows) {
      if (row.hidden) continue;
      const p = points[row.dataset.i];
      lines.push(columns.map((c) => field(c.of(p))).join(","));
    }
    return lines.join("\r\n") + "\r\n";
  }

  // The picture as it is shown, and under it the names that the page has in its table.
  function svg() {
    const kNamespace = "http://www.w3.org/2000/svg";
    const copy = picture().querySelector("svg").cloneNode(true);
    for (const part of copy.querySelectorAll(".off")) part.remove();
    const shown = markers();
    const [, , width, height] = copy.getAttribute("viewBox").split(" ").map(Number);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = "11.5px Helvetica, Arial, sans-serif";
    const line = (g) => {
      const p = points[g.dataset.p];
      const chip = manyChips ? ` on ${model.chips[p.chip]}` : "";
      const share = state.axis === "energy" ? p.joule_share : p.share;
      const speed =
        state.axis === "energy"
          ? `${short(p.flop_per_joule / 1e9)} ${operations(p)}/J`
          : `${short(p.flop_per_s / 1e9)} ${operations(p)}/s`;
      const percent = known(share) ? `, ${short(share * 100)} %` : "";
      return `${p.number}  ${p.row}${chip}: ${speed}${percent}`;
    };
    const widest = Math.max(0, ...shown.map((g) => pen.measureText(line(g)).width)) * 1.1 + 60;
    const side = Math.max(1, Math.floor((width - 40) / widest));
    const lines = Math.ceil(shown.length / side);
    shown.forEach((g, i) => {
      const x = 20 + Math.floor(i / lines) * widest;
      const y = height + 12 + (i % lines) * 17;
      const box = g.getBBox();
      const marker = g.cloneNode(true);
      const dx = x + 8 - (box.x + box.width / 2);
      const dy = y - 4 - (box.y + box.height / 2);
      marker.setAttribute("transform", `translate(${dx.toFixed(1)} ${dy.toFixed(1)})`);
      const text = document.createElementNS(kNamespace, "text");
      text.setAttribute("x", x + 22);
      text.setAttribute("y", y);
      text.setAttribute("font-size", "11.5");
      text.textContent = line(g);
      copy.append(marker, text);
    });
    const tall = Math.ceil(height + lines * 17 + 12);
    copy.setAttribute("viewBox", `0 0 ${width} ${tall}`);
    copy.setAttribute("height", tall);
    copy.querySelector(".bg").setAttribute("d", `M0 0H${width}V${tall}H0Z`);
    for (const part of copy.querySelectorAll("[tabindex]")) part.removeAttribute("tabindex");
    return new XMLSerializer().serializeToString(copy);
  }

  function save(name, type, text) {
    const link = element("a", { download: name });
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // ---- Controls -------------------------------------------------------------------------------

  function choice(type, name, text, checked, changed, mark) {
    const input = element("input", { type, name, value: text });
    input.checked = checked;
    input.addEventListener("change", () => changed(input.checked));
    return element("label", {}, input, ...(mark ? [mark] : []), text);
  }

  function group(title, ...inside) {
    return element("fieldset", {}, element("legend", {}, title), ...inside);
  }

  // Colour as the picture has it, taken from the first roof or marker that is of this alone.
  function swatch(kind, value) {
    if ((kind === "chip") !== manyChips || kind === "level") return null;
    const roof = model.roofs.findIndex((r) => (kind === "chip" ? model.chips[r.chip] : r.format) === value);
    const point = points.findIndex((p) => (kind === "chip" ? model.chips[p.chip] : p.format) === value);
    const part =
      (roof >= 0 && pictures[0].querySelector(`g[data-r="${roof}"] .roof`)) ||
      (point >= 0 && pictures[0].querySelector(`.p[data-p="${point}"]`));
    const found = part && part.getAttribute("class").match(/\b[sfh](\d)\b/);
    if (!found) return null;
    return element("span", { class: "swatch", style: `background:var(--s${found[1]})` });
  }

  function toggles(kind, title, values) {
    if (values.length < 2) return [];
    const boxes = values.map((value) =>
      choice(
        "checkbox",
        kind,
        value,
        true,
        (checked) => {
          state.off[kind][checked ? "delete" : "add"](value);
          show();
        },
        swatch(kind, value),
      ),
    );
    return [group(title, ...boxes)];
  }

  function prepareControls() {
    const controls = document.getElementById("controls");
    if (pictures.length > 1) {
      const axes = pictures.map((p) =>
        choice("radio", "axis", p.dataset.axis, p.dataset.axis === state.axis, () => {
          state.axis = p.dataset.axis;
          show();
        }),
      );
      controls.append(group("axis", ...axes));
    }
    controls.append(
      ...toggles("chip", "chip", model.chips),
      ...toggles("format", "format", model.formats),
      ...toggles("level", "level", model.levels),
    );
    // Squared: the shares of most rows are small.
    const most = Math.max(0, ...points.map((p) => p.time_share || 0));
    const slider = element("input", { type: "range", min: 0, max: 100, step: 1, value: 0, id: "share" });
    const value = element("output", { for: "share" }, "0 %");
    slider.addEventListener("input", () => {
      state.leastShare = most * (slider.value / 100) ** 2;
      value.textContent = `${short(state.leastShare * 100)} %`;
      slider.setAttribute("aria-valuetext", `at least ${value.textContent} of the time`);
      show();
    });
    const label = element("label", { for: "share" }, "hide rows under a share of time of");
    controls.append(element("fieldset", {}, label, slider, value));
    const button = (text, clicked) => {
      const made = element("button", { type: "button" }, text);
      made.addEventListener("click", clicked);
      return made;
    };
    controls.append(
      element(
        "fieldset",
        {},
        button("Save SVG", () => save("roofline.svg", "image/svg+xml", svg())),
        button("Save CSV", () => save("roofline.csv", "text/csv", csv())),
      ),
    );
  }

  prepareControls();
  prepareTable();
  preparePoints();
  show();
})();
