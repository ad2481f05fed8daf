// Pairs of images whose rows were swapped: the odds of both answers after each swap, layer by layer.

const DIRECTIONS = [
  "base's pass, with rows of the source's pass",
  "source's pass, with rows of the base's pass",
];
const TICK_STEPS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];
const hiddenKinds = new Set();
let pairPlace = 0;

const pairHere = () => data.pairs[pairPlace];
const kindsOf = (pair) => Object.keys(data.kindNames).filter((kind) => pair.swapped[kind]);

/** Builds the part of the page that shows pairs; it stays hidden where there are none. */
function buildPairs(state, go) {
  document.getElementById("pairs").hidden = !data.pairs.length;
  if (!data.pairs.length) return;
  const names = data.pairs.map(
    ({ attribute, question, id }, place) =>
      `${place + 1}. ${isolated(visible(attribute))}: ${isolated(visible(question))} (${isolated(visible(id))})`,
  );
  const choice = document.getElementById("pair");
  choice.replaceChildren(...names.map((name, place) => element("option", { value: `${place}` }, name)));
  choice.addEventListener("change", () => {
    pairPlace = Number(choice.value);
    showPair(state, go);
  });
  showPair(state, go);
}

function showPair(state, go) {
  const pair = pairHere();
  document
    .getElementById("pair-question")
    .replaceChildren("Question: ", element("q", { dir: "auto" }, visible(pair.question)));
  const figures = pair.images.map(({ url, width, height }, side) => {
    const name = side ? "source" : "base";
    const image = element("img", { src: url, width, height, alt: `The ${name} image of the pair.` });
    const answer = element("bdi", { className: "token" }, visible(pair.answers[side]));
    return element("figure", {}, image, element("figcaption", {}, `${name}, right answer: `, answer));
  });
  document.getElementById("pair-images").replaceChildren(...figures);
  showKinds(state, go);
  drawPairCharts(state, go);
  fillPairTables(state.layer);
}

/** The legend: a line for each kind of positions, which can be left out of the charts. */
function showKinds(state, go) {
  const items = kindsOf(pairHere()).map((kind) => {
    const box = element("input", { type: "checkbox", checked: !hiddenKinds.has(kind) });
    box.addEventListener("change", () => {
      hiddenKinds[box.checked ? "delete" : "add"](kind);
      drawPairCharts(state, go);
    });
    const line = drawn("line", { class: `swap ${kind}`, x1: 0, x2: 30, y1: 5, y2: 5 });
    const mark = drawn("svg", { width: 30, height: 10, "aria-hidden": "true" }, line);
    return element("li", {}, element("label", {}, box, mark, ` ${data.kindNames[kind]}`));
  });
  document.getElementById("pair-kinds").replaceChildren(...items);
}

/** Draws both directions on one scale. */
function drawPairCharts(state, go) {
  if (!data.pairs.length) return;
  const figures = DIRECTIONS.map((name) =>
    element("figure", { className: "chart" }, element("figcaption", {}, name)),
  );
  document.getElementById("pair-charts").replaceChildren(...figures);
  // Only now have they a width.
  figures.forEach((figure, direction) => figure.append(pairPanel(direction, state, figure.clientWidth, go)));
}

function pairPanel(direction, state, width, go) {
  const pair = pairHere();
  const inner = Math.max(80, width - EDGE.left - EDGE.right);
  const x = (layer) => EDGE.left + (inner * layer) / Math.max(1, lastLayer());
  const [low, high] = rangeOf(pair);
  const y = (odds) => EDGE.top + ((HEIGHT - EDGE.top - EDGE.bottom) * (high - odds)) / (high - low);
  const svg = drawn("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": spokenPair(pair, direction),
  });
  svg.append(...oddsTicks(low, high, y, inner), ...layerTicks(x, inner));
  for (const odds of pair.plain) {
    svg.append(drawn("line", { class: "plain-odds", x1: EDGE.left, x2: EDGE.left + inner, y1: y(odds), y2: y(odds) }));
  }
  for (const kind of kindsOf(pair).filter((each) => !hiddenKinds.has(each))) {
    const points = pair.swapped[kind][direction].map((odds, layer) => `${x(layer).toFixed(1)},${y(odds).toFixed(1)}`);
    svg.append(drawn("polyline", { class: `swap ${kind}`, points: points.join(" ") }));
  }
  const labels = pair.plain.map((end, side) => ({ text: side ? "source" : "base", end, className: "label" }));
  svg.append(...endLabels(labels, x(lastLayer()) + 8, y));
  followLayer(svg, x, inner, state.layer, go);
  return svg;
}

/** The lowest and highest odds of a pair, with a little room. */
function rangeOf(pair) {
  const every = [0, ...pair.plain, ...Object.values(pair.swapped).flat(2)];
  const [low, high] = [Math.min(...every), Math.max(...every)];
  const room = 0.04 * Math.max(1, high - low);
  return [low - room, high + room];
}

function oddsTicks(low, high, y, inner) {
  const step = TICK_STEPS.find((each) => (high - low) / each <= 6) ?? (high - low) / 4;
  const made = [];
  for (let odds = Math.ceil(low / step) * step; odds <= high; odds += step) {
    made.push(drawn("line", { class: "grid", x1: EDGE.left, x2: EDGE.left + inner, y1: y(odds), y2: y(odds) }));
    made.push(drawn("text", { x: EDGE.left - 7, y: y(odds) + 4, "text-anchor": "end" }, shownOdds(odds, step < 1 ? 1 : 0)));
  }
  return made;
}

/** Bits with a real minus sign; what would show as a negative zero is zero. */
function shownOdds(odds, digits = 1) {
  const text = odds.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

function oddsName(pair) {
  const [base, source] = pair.answers.map((answer) => `\u201c${isolated(visible(answer))}\u201d`);
  return `Log2 odds of ${source} against ${base}`;
}

/** The panel in a sentence. */
function spokenPair(pair, direction) {
  const ends = kindsOf(pair).map((kind) => {
    const odds = pair.swapped[kind][direction];
    return `${data.kindNames[kind]} ${shownOdds(odds[0])} at layer 0, ${shownOdds(odds[lastLayer()])} at layer ${lastLayer()}`;
  });
  const plain = `base image ${shownOdds(pair.plain[0])}, source image ${shownOdds(pair.plain[1])}`;
  return `${oddsName(pair)} by layer, ${DIRECTIONS[direction]}: ${ends.join("; ")}; without a swap ${plain}`;
}

/** The odds at the layer that is shown, and those of all layers. */
function fillPairTables(layer) {
  if (!data.pairs.length) return;
  const pair = pairHere();
  const rows = kindsOf(pair).map((kind) => [
    data.kindNames[kind],
    ...pair.swapped[kind].map((odds) => shownOdds(odds[layer])),
  ]);
  const plain = ["nothing", ...pair.plain.map((odds) => shownOdds(odds))];
  document
    .getElementById("pair-here")
    .replaceChildren(plainTable(`${oddsName(pair)} at layer ${layer}`, ["swapped", "base's pass", "source's pass"], [plain, ...rows]));
  const heads = kindsOf(pair).flatMap((kind) => ["base's", "source's"].map((side) => `${data.kindNames[kind]}, ${side} pass`));
  const every = Array.from({ length: data.layers }, (_, each) => [
    `${each}`,
    ...kindsOf(pair).flatMap((kind) => pair.swapped[kind].map((odds) => shownOdds(odds[each]))),
  ]);
  document
    .getElementById("pair-table")
    .replaceChildren(plainTable(oddsName(pair), ["layer", ...heads], every));
}
