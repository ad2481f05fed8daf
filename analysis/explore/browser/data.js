// The data of the page: parsed once, unpacked when it is first shown.

const data = JSON.parse(document.getElementById("data").textContent);
const LENS_NAMES = { logit_lens: "logit lens", tuned_lens: "tuned lens" };
const unpacked = new Map();

/** Bytes of a deflated, base64-encoded text. */
async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The texts of all tokens that occur, by their numbers on this page. */
async function unpackVocabulary() {
  const texts = new TextDecoder().decode(await inflated(data.vocabulary));
  data.vocabulary = JSON.parse(texts);
}

/** 16-bit numbers: all low bytes come first, then all high ones. */
async function numbers(text) {
  const bytes = await inflated(text);
  const half = bytes.length / 2;
  return Uint16Array.from({ length: half }, (_, i) => bytes[i] + 256 * bytes[half + i]);
}

/** Roots of probabilities, 0 to 255: each layer is written as what it adds to the one before. */
async function rootsOf(text, places) {
  const roots = await inflated(text);
  const perRank = data.layers * places;
  for (let index = 0; index < roots.length; index += 1) {
    if (index % perRank >= places) roots[index] += roots[index - places]; // modulo 256, as bytes do
  }
  return roots;
}

/** Patches in the order of the sequence, in shares of the image's sides; null for one unseen. */
async function patchesOf(condition) {
  if (condition.boxes === null) return [];
  const sides = await numbers(condition.boxes);
  const n = sides.length / 4;
  const side = (number, token) => sides[number * n + token] / 65535;
  const patches = Array.from({ length: n }, (_, token) => {
    const [left, top, right, bottom] = [0, 1, 2, 3].map((number) => side(number, token));
    const level = condition.levels === null ? 0 : condition.levels[token];
    return right > left && bottom > top ? { token, left, top, right, bottom, level } : null;
  });
  for (const level of new Set(patches.filter(Boolean).map((patch) => patch.level))) {
    const same = patches.filter((patch) => patch && patch.level === level);
    nameLines(same, "row", "top", "bottom");
    nameLines(same, "column", "left", "right");
  }
  return patches;
}

/** Counts rows or columns from 1: patches of one line have middles that lie close together. */
function nameLines(patches, name, low, high) {
  const sorted = [...patches].sort((a, b) => a[low] + a[high] - b[low] - b[high]);
  let line = 0;
  let last = -Infinity;
  for (const patch of sorted) {
    const middle = (patch[low] + patch[high]) / 2;
    if (middle - last > (patch[high] - patch[low]) / 3) {
      line += 1;
      last = middle;
    }
    patch[name] = line;
  }
}

/**
 * What was read of an item under a condition. Places are the image's tokens, then the answer
 * position; ids and roots stand by rank, layer and place.
 */
function reading(item, name) {
  const key = `${item} ${name}`;
  if (!unpacked.has(key)) unpacked.set(key, unpack(data.items[item].conditions[name]));
  return unpacked.get(key);
}

async function unpack(condition) {
  const lenses = {};
  let places = 0;
  for (const [name, packed] of Object.entries(condition.lenses)) {
    const ids = await numbers(packed.ids);
    places = ids.length / (data.tops * data.layers);
    lenses[name] = { ids, roots: await rootsOf(packed.probabilities, places), trajectory: packed.trajectory };
  }
  return { condition, lenses, places, answer: places - 1, patches: await patchesOf(condition) };
}

/** The token of a rank at a layer and place: {id, probability}. */
function topAt(read, lens, layer, place, rank) {
  const index = (rank * data.layers + layer) * read.places + place;
  return { id: read.lenses[lens].ids[index], probability: (read.lenses[lens].roots[index] / 255) ** 2 };
}

/** A token's probability at a layer and place as far as it is among the most probable, else 0. */
function probabilityOf(read, lens, layer, place, id) {
  for (let rank = 0; rank < data.tops; rank += 1) {
    const top = topAt(read, lens, layer, place, rank);
    if (top.id === id) return top.probability;
  }
  return 0;
}

const SPACE = "·";
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text as it can be seen: what is invisible, or would steer the page's text, by its code, as in the
 * names of tokens (probes/token_names.py), which come here with nothing left to do.
 */
function visible(text) {
  const shown = text.replace(
    /[\p{C}\p{Zl}\p{Zp}\u00a0]/gu,
    (sign) => ESCAPES[sign] ?? `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
  return shown.replace(/^ +| +$/g, (spaces) => SPACE.repeat(spaces.length));
}

/** For text that stands among other text where no element can: its direction ends where it ends. */
function isolated(text) {
  return `\u2068${text}\u2069`;
}

const shownTexts = [];

function tokenText(id) {
  shownTexts[id] ??= visible(data.vocabulary[id]);
  return shownTexts[id];
}

/** .93 as 0.93; small ones keep a digit that tells. */
function shownProbability(probability) {
  if (probability > 0 && probability < 0.005) return "<0.01";
  return probability.toFixed(2);
}

/** An element with properties; children are elements or texts, and texts are never markup. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A token as an element of its own, whose direction ends where it ends. */
function tokenElement(id) {
  return element("bdi", { className: "token" }, tokenText(id));
}

/** A table with a caption, heads and rows of texts or elements. */
function plainTable(caption, heads, rows) {
  const cells = (kind, row) => row.map((cell, i) => element(i ? kind : "th", {}, cell));
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((row) => {
    const made = cells("td", row);
    made[0].scope = "row";
    return element("tr", {}, ...made);
  });
  return element(
    "table",
    { className: "plain" },
    element("caption", {}, caption),
    element("thead", {}, head),
    element("tbody", {}, ...body),
  );
}
