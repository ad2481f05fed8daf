// Words: search among everything that stands on top, and where and when a chosen one does.

const MOST_RESULTS = 24;
const MOST_PLACES = 8;

/** Of every token under a lens: its places among the tops, how many first, its layers and best. */
function summaries(read, lens) {
  const source = read.lenses[lens];
  if (source.summaries) return source.summaries;
  const found = new Map();
  const perRank = data.layers * read.places;
  for (let index = 0; index < source.ids.length; index += 1) {
    const id = source.ids[index];
    const layer = Math.floor((index % perRank) / read.places);
    let own = found.get(id);
    if (!own) found.set(id, (own = { id, places: 0, first: 0, low: layer, high: layer, best: 0 }));
    own.places += 1;
    if (index < perRank) own.first += 1;
    own.low = Math.min(own.low, layer);
    own.high = Math.max(own.high, layer);
    own.best = Math.max(own.best, source.roots[index]);
  }
  source.summaries = found;
  return found;
}

/** Tokens that hold the text, in any case; those that begin with it or stand higher come first. */
function matches(read, lens, text) {
  const wanted = text.toLowerCase();
  const begins = (id) => data.vocabulary[id].replace(/^[ ·]+/, "").toLowerCase().startsWith(wanted);
  const holds = (id) =>
    data.vocabulary[id].toLowerCase().includes(wanted) || tokenText(id).toLowerCase().includes(wanted);
  return [...summaries(read, lens).values()]
    .filter(({ id }) => holds(id))
    .sort((a, b) => begins(b.id) - begins(a.id) || b.best - a.best || b.places - a.places);
}

function layersText({ low, high }) {
  return low === high ? `layer ${low}` : `layers ${low} to ${high}`;
}

/** Fills the list of results; `choose(id)` is what a press does. */
function showMatches(read, state, choose) {
  const text = document.getElementById("search").value.trim();
  const found = text ? matches(read, state.lens, text) : [];
  const more = found.length > MOST_RESULTS ? `, the first ${MOST_RESULTS} shown` : "";
  document.getElementById("found").textContent = text
    ? `${found.length} token${found.length === 1 ? "" : "s"}${more} (${LENS_NAMES[state.lens]}, ${state.condition} image)`
    : "";
  const results = found.slice(0, MOST_RESULTS).map((each) => {
    const where = `${each.places} times, ${layersText(each)}`;
    const button = element("button", { type: "button" }, tokenElement(each.id), element("span", {}, where));
    button.addEventListener("click", () => choose(each.id));
    return element("li", {}, button);
  });
  document.getElementById("results").replaceChildren(...results);
}

/** Where a token is among the tops: its strongest places, and how many of them by layer. */
function occurrences(read, lens, id) {
  const places = [];
  const counts = Array.from({ length: data.layers }, () => ({ first: 0, all: 0 }));
  for (let layer = 0; layer < data.layers; layer += 1) {
    for (let rank = 0; rank < data.tops; rank += 1) {
      for (let place = 0; place < read.places; place += 1) {
        const top = topAt(read, lens, layer, place, rank);
        if (top.id !== id) continue;
        counts[layer].all += 1;
        if (rank === 0) counts[layer].first += 1;
        places.push({ layer, place, rank, probability: top.probability });
      }
    }
  }
  places.sort((a, b) => b.probability - a.probability || a.rank - b.rank);
  return { places, counts };
}

/** The panel of the chosen word; `jump(layer, place)` goes there. */
function showWord(read, state, jump, letGo) {
  const panel = document.getElementById("word");
  if (state.word === null) {
    const hint = "Press a word in a table, or search for one, to see where in the image and at which layers it stands on top.";
    panel.replaceChildren(element("p", { className: "note" }, hint));
    return;
  }
  const { places, counts } = occurrences(read, state.lens, state.word);
  const first = counts.reduce((sum, each) => sum + each.first, 0);
  const close = element("button", { type: "button" }, "Let go");
  close.addEventListener("click", letGo);
  const summary = places.length
    ? `On top ${first} times, among the first ${data.tops} ${places.length} times, of ${read.places * data.layers} ` +
      `(places times layers; ${LENS_NAMES[state.lens]}, ${state.condition} image).`
    : `Nowhere among the first ${data.tops} (${LENS_NAMES[state.lens]}, ${state.condition} image).`;
  panel.replaceChildren(
    element("h3", {}, "“", tokenElement(state.word), "” ", close),
    element("p", {}, summary),
    countStrip(counts, state, jump),
    element("ol", { className: "places" }, ...strongest(read, places, jump)),
  );
}

function strongest(read, places, jump) {
  return places.slice(0, MOST_PLACES).map(({ layer, place, probability }) => {
    const text = `layer ${layer}, ${placeName(read, place)}`;
    const button = element("button", { type: "button" }, text, element("span", {}, shownProbability(probability)));
    button.addEventListener("click", () => jump(layer, place));
    return element("li", {}, button);
  });
}

/** Bars by layer: how many places have the word among their first, and on top (darker). */
function countStrip(counts, state, jump) {
  const most = Math.max(1, ...counts.map(({ all }) => all));
  const bars = counts.map(({ all, first }, layer) => {
    const bar = element("span", { className: layer === state.layer ? "bar here" : "bar" });
    bar.title = `layer ${layer}: ${all} places, on top at ${first}`;
    bar.style.setProperty("--all", (all / most).toFixed(3));
    bar.style.setProperty("--first", (first / most).toFixed(3));
    bar.addEventListener("click", () => jump(layer, null));
    return bar;
  });
  const label = `Places by layer, 0 to ${lastLayer()}; the highest bar is ${most}`;
  const strip = element("div", { className: "strip" }, ...bars);
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", label);
  return element("figure", { className: "count" }, strip, element("figcaption", {}, label));
}
