// The trajectory at the answer position: probability of the answer by layer, a panel for each lens.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 230;
const EDGE = { left: 38, right: 96, top: 26, bottom: 34 };
const LABEL_GAP = 15;

function drawn(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The answer that is followed first: the right one, or the model's own. */
function mainAnswer(item) {
  return Math.max(0, item.followed.indexOf(item.answer));
}

function lastLayer() {
  return data.layers - 1;
}

/** Draws all panels; `read` is the condition that is shown, whose other answers are drawn too. */
function drawCharts(item, state, go) {
  const lenses = Object.keys(cells);
  const figures = lenses.map((lens) =>
    element("figure", { className: "chart" }, element("figcaption", {}, LENS_NAMES[lens])),
  );
  document.getElementById("charts").replaceChildren(...figures);
  // Only now have they a width.
  figures.forEach((figure, i) => figure.append(panel(item, state, lenses[i], figure.clientWidth, go)));
}

function panel(item, state, lens, width, go) {
  const inner = Math.max(80, width - EDGE.left - EDGE.right);
  const x = (layer) => EDGE.left + (inner * layer) / Math.max(1, lastLayer());
  const y = (value) => EDGE.top + (HEIGHT - EDGE.top - EDGE.bottom) * (1 - value);
  const svg = drawn("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": spoken(item, lens),
  });
  svg.append(...emergenceMarks(item.emergence[lens], x), ...axes(x, y, inner), ...curves(item, state, lens, x, y));
  followLayer(svg, x, inner, state.layer, go);
  return svg;
}

/** Puts the line of the layer into a panel; a press goes to the layer that is pressed. */
function followLayer(svg, x, inner, now, go) {
  const line = drawn("line", { class: "now", y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
  svg.append(line);
  svg.moveTo = (layer) => {
    line.setAttribute("x1", x(layer));
    line.setAttribute("x2", x(layer));
  };
  svg.moveTo(now);
  svg.addEventListener("click", (event) => {
    const across = event.clientX - svg.getBoundingClientRect().left;
    const layer = Math.round(((across - EDGE.left) / inner) * lastLayer());
    go(Math.min(lastLayer(), Math.max(0, layer)));
  });
}

/** Moves the line of the layer without drawing anew. */
function markChartLayer(layer) {
  for (const svg of document.querySelectorAll(".chart svg")) svg.moveTo(layer);
}

function axes(x, y, inner) {
  const made = [];
  for (const value of [0, 0.5, 1]) {
    made.push(drawn("line", { class: "grid", x1: EDGE.left, x2: EDGE.left + inner, y1: y(value), y2: y(value) }));
    made.push(drawn("text", { x: EDGE.left - 7, y: y(value) + 4, "text-anchor": "end" }, `${value}`));
  }
  return [...made, ...layerTicks(x, inner)];
}

function layerTicks(x, inner) {
  const made = [];
  const step = Math.max(1, Math.ceil(lastLayer() / Math.max(3, Math.floor(inner / 34))));
  for (let layer = 0; layer <= lastLayer(); layer += step) {
    made.push(drawn("text", { x: x(layer), y: HEIGHT - EDGE.bottom + 16, "text-anchor": "middle" }, `${layer}`));
  }
  made.push(drawn("text", { x: EDGE.left + inner / 2, y: HEIGHT - 2, "text-anchor": "middle" }, "layer"));
  return made;
}

/** The set of layers as a band, and the estimate with its interval above it. */
function emergenceMarks(found, x) {
  if (!found || !found.fb_half || found.fb_half.low === null) return [];
  const high = found.fb_half.high === null ? lastLayer() : found.fb_half.high;
  const [left, right] = [x(found.fb_half.low) - 5, x(high) + 5];
  const marks = [
    drawn("rect", { class: "set", x: left, width: right - left, y: EDGE.top, height: HEIGHT - EDGE.top - EDGE.bottom }),
  ];
  if (found.lambda_half) {
    const { estimate, low, high: end } = found.lambda_half;
    marks.push(drawn("line", { class: "interval", x1: x(low), x2: x(end), y1: EDGE.top - 8, y2: EDGE.top - 8 }));
    marks.push(drawn("circle", { class: "estimate", cx: x(estimate), cy: EDGE.top - 8, r: 3.5 }));
  }
  return marks;
}

function curves(item, state, lens, x, y) {
  const main = mainAnswer(item);
  const made = [];
  const labels = [];
  const line = (values, className) => {
    const points = values.map((value, layer) => `${x(layer).toFixed(1)},${y(value).toFixed(1)}`);
    made.push(drawn("polyline", { class: className, points: points.join(" ") }));
  };
  const shown = item.conditions[state.condition].lenses[lens].trajectory;
  shown.forEach((values, answer) => {
    if (answer === main) return;
    line(values, "other");
    const end = values[lastLayer()];
    if (end > 0.08) labels.push({ text: visible(item.followed[answer]), end, className: "other" });
  });
  for (const [name, condition] of Object.entries(item.conditions)) {
    const values = condition.lenses[lens].trajectory[main];
    line(values, `curve ${name}${name === state.condition ? " shown" : ""}`);
    labels.push({ text: name, end: values[lastLayer()], className: `label ${name}` });
  }
  return [...made, ...endLabels(labels, x(lastLayer()) + 8, y)];
}

/** Names at the ends of lines, moved apart where they would meet. */
function endLabels(labels, left, y) {
  labels.sort((a, b) => b.end - a.end);
  let height = -Infinity;
  const heights = labels.map(({ end }) => (height = Math.max(y(end), height + LABEL_GAP)));
  const over = Math.max(0, height - (HEIGHT - EDGE.bottom + 2));
  return labels.map(({ text, className }, number) =>
    drawn(
      "text",
      { class: className, x: left, y: heights[number] - over + 4 },
      shortened(text),
    ),
  );
}

/** Cut between signs, and never inside of one that has two parts. */
function shortened(text) {
  const signs = Array.from(text);
  return signs.length > 13 ? `${signs.slice(0, 12).join("")}…` : text;
}

/** What is drawn: a share among the answers, as a study scores them, or a probability. */
function measureOf(item) {
  return item.amongAnswers ? "Share of the answer" : "Probability of";
}

/** The panel in a sentence. */
function spoken(item, lens) {
  const main = mainAnswer(item);
  const parts = Object.entries(item.conditions).map(([name, condition]) => {
    const values = condition.lenses[lens].trajectory[main];
    return `${name} image ${shownProbability(values[0])} at layer 0, ${shownProbability(values[lastLayer()])} at layer ${lastLayer()}`;
  });
  return `${measureOf(item)} ${isolated(visible(item.followed[main]))} by layer, ${LENS_NAMES[lens]}: ${parts.join("; ")}`;
}

/** Title, legend and table of the curves. */
function describeCurves(item, state) {
  const main = visible(item.followed[mainAnswer(item)]);
  document
    .getElementById("curve-title")
    .replaceChildren(`${measureOf(item)} “`, element("bdi", {}, main), "” at the answer position, by layer");
  const conditions = Object.keys(item.conditions);
  const legend = conditions.map((name) => ["line " + name, `${name} image`]);
  if (item.followed.length > 1) legend.push(["line other", `other ${item.amongAnswers ? "answers" : "words"}, ${state.condition} image`]);
  if (Object.keys(cells).some((lens) => emergenceMarks(item.emergence[lens], Number).length)) {
    legend.push(["band", "emergence set: layers that may hold it"], ["dot", "emergence layer, with its interval"]);
  }
  document
    .getElementById("legend")
    .replaceChildren(...legend.map(([mark, text]) => element("li", {}, element("span", { className: mark }), text)));
  document.getElementById("curve-note").textContent = curveNote(item);
  fillCurveTable(item);
}

function curveNote(item) {
  const unit = item.amongAnswers
    ? `Unit: the share of probability among the ${item.followed.length} answers, 0 to 1, as the study scores them.`
    : "Unit: probability, 0 to 1, that the whole answer is said, of all that could be.";
  const found = Object.entries(item.emergence).filter(([lens]) => cells[lens]);
  const marks = found.map(([lens, each]) => `${LENS_NAMES[lens]}: ${emergenceText(each)}`);
  if (!marks.length) return item.attribute ? `${unit} The run has no emergence layer of ${item.attribute}.` : unit;
  return `${unit} Emergence of ${item.attribute}, an estimate over many scenes and not of this image. ${marks.join("; ")}.`;
}

function emergenceText(found) {
  if (found.outcome !== "emerged" || !found.lambda_half) return found.outcome.replaceAll("_", " ");
  const { estimate, low, high } = found.lambda_half;
  const end = found.fb_half.high === null ? "the last" : found.fb_half.high;
  return (
    `layer ${estimate.toFixed(1)} (${100 * found.level}% interval ${low.toFixed(1)} to ${high.toFixed(1)}), ` +
    `set ${found.fb_half.low} to ${end}, ${found.n_scenes} scenes`
  );
}

function fillCurveTable(item) {
  const main = mainAnswer(item);
  const columns = Object.keys(cells).flatMap((lens) =>
    Object.keys(item.conditions).map((name) => [`${LENS_NAMES[lens]}, ${name}`, item.conditions[name].lenses[lens].trajectory[main]]),
  );
  const rows = Array.from({ length: data.layers }, (_, layer) => [
    `${layer}`,
    ...columns.map(([, values]) => shownProbability(values[layer])),
  ]);
  const caption = `${measureOf(item)} “${isolated(visible(item.followed[main]))}” at the answer position`;
  document
    .getElementById("curve-table")
    .replaceChildren(plainTable(caption, ["layer", ...columns.map(([name]) => name)], rows));
}
