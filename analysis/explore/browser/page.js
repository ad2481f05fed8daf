// The state of the page, what changes it, and what is then shown.

const byId = (id) => document.getElementById(id);
const state = { item: 0, condition: "real", lens: "logit_lens", layer: 0, place: 0, locked: false, word: null, shading: "top", level: 0 };
let read = null;
let speaking = 0;

const item = () => data.items[state.item];
const patchHere = () => (read.patches.length ? read.patches[state.place] || null : null);

/** Reads the item and condition of the state, then shows all of it. */
async function show(keepPlace) {
  const wanted = `${state.item} ${state.condition}`;
  const found = await reading(state.item, state.condition);
  if (wanted !== `${state.item} ${state.condition}`) return; // another was asked for meanwhile
  // Images of other sizes have other patches: only a place of the same grid can be kept.
  const same = keepPlace && read && read.places === found.places;
  read = found;
  if (!same) Object.assign(state, { place: read.answer, locked: false });
  state.level = Math.min(state.level, highestLevel(read));
  if (!keepPlace) Object.assign(state, { word: answerToken(), shading: "word" });
  showItem();
  showPlace();
  showLayer();
  showWords();
  say();
}

/** The token of the answer that stands at most places: what a new item is shaded by. */
function answerToken() {
  const known = summaries(read, state.lens);
  const occurring = item().answerTokens.filter((id) => known.has(id));
  return occurring.sort((a, b) => known.get(b).places - known.get(a).places)[0] ?? null;
}

function showItem() {
  const { condition } = read;
  const image = byId("image");
  image.src = data.images[condition.image];
  image.alt = `The ${state.condition} image of the item.`;
  byId("stage").style.aspectRatio = `${condition.width} / ${condition.height}`;
  byId("stage").classList.toggle("gridless", !read.patches.length);
  byId("no-grid").hidden = condition.noGrid === null;
  byId("no-grid").textContent = condition.noGrid === null ? "" : `No patches to point at: ${condition.noGrid}.`;
  byId("question").replaceChildren("Question: ", element("q", { dir: "auto" }, visible(item().question)));
  const known = item().answer === null ? "most probable for the model" : "right answer";
  byId("answer").replaceChildren(`${known}: `, element("bdi", { className: "token" }, visible(item().followed[mainAnswer(item())])));
  for (const radio of byId("conditions").querySelectorAll("input")) radio.checked = radio.value === state.condition;
  showLevels();
  describeCurves(item(), state);
  drawCharts(item(), state, goTo);
}

/** Which size of patches is shaded and pointed at, where several lie over one another. */
function showLevels() {
  const highest = highestLevel(read);
  byId("level-field").hidden = highest === 0;
  const names = Array.from({ length: highest + 1 }, (_, level) => (level ? `coarser (${patchesAt(read, level).length})` : `finest (${patchesAt(read, 0).length})`));
  byId("level").replaceChildren(...names.map((name, level) => element("option", { value: `${level}` }, name)));
  byId("level").value = `${state.level}`;
}

function showPlace() {
  const name = placeName(read, state.place);
  byId("place").textContent = name[0].toUpperCase() + name.slice(1) + (state.locked ? ", locked" : "");
  byId("lock").setAttribute("aria-pressed", `${state.locked}`);
  byId("lock").disabled = !patchHere();
  fillTables(read, state.place, state.word);
  framePatch(patchHere(), state.locked);
}

function showLayer() {
  byId("layer").value = `${state.layer}`;
  byId("layer").setAttribute("aria-valuetext", `layer ${state.layer} of ${lastLayer()}`);
  byId("layer-value").textContent = `${state.layer} of ${lastLayer()}`;
  markLayer(state.layer);
  markChartLayer(state.layer);
  fillPairTables(state.layer);
  showShading();
  if (byId("patches").open) fillPatchTable(read, state);
}

function showShading() {
  if (state.word === null && state.shading === "word") state.shading = "top";
  byId("shading").value = state.shading;
  byId("lens").value = state.lens;
  const word = state.word === null ? "" : `“${tokenText(state.word)}”`;
  const what = state.shading === "word" ? word : "the top token";
  byId("scale").classList.toggle("off", state.shading === "none");
  byId("scale-name").replaceChildren("probability of ", element("bdi", {}, what));
  byId("stage").classList.toggle("shaded", state.shading !== "none" && read.patches.length > 0);
  drawHeat(read, state);
}

function showWords() {
  showMatches(read, state, (id) => choose(state.lens, state.layer, id));
  showWord(read, state, jump, () => choose(state.lens, state.layer, null));
}

/** Says what has changed to those who do not see it, once it has come to rest. */
function say() {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    const top = topAt(read, state.lens, state.layer, state.place, 0);
    const where = `${placeName(read, state.place)}${state.locked ? ", locked" : ""}`;
    byId("live").textContent = `${state.condition} image, ${where}, layer ${state.layer}, ${LENS_NAMES[state.lens]}: ${isolated(tokenText(top.id))}, ${shownProbability(top.probability)}`;
  }, 250);
}

function goTo(layer) {
  state.layer = Math.min(lastLayer(), Math.max(0, layer));
  showLayer();
  if (state.word !== null) showWord(read, state, jump, () => choose(state.lens, state.layer, null));
  say();
}

function pointAt(place, locked = state.locked) {
  if (place === state.place && locked === state.locked) return;
  Object.assign(state, { place, locked: locked && place !== read.answer });
  showPlace();
  say();
}

/** Chooses a word, or lets go of it with null; the image then shows where it stands. */
function choose(lens, layer, word) {
  Object.assign(state, { lens, layer, word, shading: word === null ? "top" : "word" });
  showPlace();
  showLayer();
  showWords();
  say();
}

function jump(layer, place) {
  if (place !== null) pointAt(place, place !== read.answer);
  goTo(layer);
}

function setCondition(name) {
  state.condition = name;
  show(true);
}

function setLens(lens) {
  state.lens = lens;
  showLayer();
  showWords();
  say();
}

function next(list, current) {
  return list[(list.indexOf(current) + 1) % list.length];
}

const LETTERS = {
  "/": () => byId("search").focus(),
  c: () => setCondition(next(Object.keys(item().conditions), state.condition)),
  l: () => setLens(next(Object.keys(cells), state.lens)),
  a: () => pointAt(read.answer, false),
};

function onKey(event) {
  if (!read || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "Escape") {
    if (state.locked) pointAt(state.place, false);
    else if (state.word !== null) choose(state.lens, state.layer, null);
  } else if (event.key === "PageUp" || event.key === "PageDown") {
    event.preventDefault();
    goTo(state.layer + (event.key === "PageUp" ? 1 : -1));
  } else if (!typing && byId("single-keys").checked && LETTERS[event.key]) {
    event.preventDefault();
    LETTERS[event.key]();
  }
}

/** On the image: arrows go from patch to patch, Enter locks. */
function onStageKey(event) {
  const step = STEPS[event.key];
  if (!read || !read.patches.length || event.ctrlKey || event.metaKey || event.altKey) return;
  if (step) {
    event.preventDefault();
    const from = patchHere();
    const start = patchesAt(read, state.level)[0];
    pointAt((from ? neighbour(read, from, step[1], step[0]) : start).token);
  } else if (event.key === "Enter" && patchHere()) {
    event.preventDefault();
    pointAt(state.place, !state.locked);
  }
}

function patchUnder(event) {
  const box = byId("heat").getBoundingClientRect();
  return patchAt(read, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, state.level);
}

function onPointer(event) {
  if (!read || state.locked || event.pointerType === "touch") return;
  const patch = patchUnder(event);
  if (patch) pointAt(patch.token);
}

/** A press locks a patch; on the locked one it frees it. */
function onPress(event) {
  const patch = read && patchUnder(event);
  if (patch) pointAt(patch.token, !(state.locked && patch.token === state.place));
}

function buildControls() {
  const names = data.items.map(({ question, id }, place) => `${place + 1}. ${isolated(visible(question))} (${isolated(visible(id))})`);
  byId("item").replaceChildren(...names.map((name, place) => element("option", { value: `${place}` }, name)));
  byId("item-field").hidden = data.items.length < 2;
  const radios = Object.keys(data.items[0].conditions).map((name) => {
    const radio = element("input", { type: "radio", name: "condition", value: name });
    radio.addEventListener("change", () => setCondition(name));
    return element("label", { className: name }, radio, ` ${name}`);
  });
  byId("conditions").append(...radios);
  const lenses = Object.keys(Object.values(data.items[0].conditions)[0].lenses);
  byId("lens").replaceChildren(...lenses.map((name) => element("option", { value: name }, LENS_NAMES[name])));
  byId("layer").max = `${lastLayer()}`;
  state.layer = lastLayer();
  buildTables(lenses, choose, goTo);
  const alone = lenses.length === 1 ? " There is no tuned lens here: python -m analysis.tuned_lens trains one, --lens names one." : "";
  byId("tables-note").textContent = `Rows are layers (0: what enters the first block), columns ranks; the bar of a word is its probability, full width 1; a dot stands for a space, <0xE4> for a byte of a character, <600> for a token without a text.${alone}`;
  const of = data.ofRun ? `, data ${data.data}` : "";
  byId("about").textContent = `Model ${data.model}, revision ${data.revision}${of}. Made by Onset, python -m analysis.explore. Single items carry no evidence: they show what averages are made of. Probabilities of patches are kept with an error of at most ${data.probabilityError.toFixed(3)}.`;
}

function wire() {
  byId("item").addEventListener("change", (event) => {
    Object.assign(state, { item: Number(event.target.value), condition: "real" });
    show(false);
  });
  byId("layer").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("lens").addEventListener("change", (event) => setLens(event.target.value));
  byId("shading").addEventListener("change", (event) => {
    state.shading = event.target.value;
    showShading();
  });
  byId("level").addEventListener("change", (event) => {
    state.level = Number(event.target.value);
    showLayer();
  });
  byId("lock").addEventListener("click", () => pointAt(state.place, !state.locked));
  byId("to-answer").addEventListener("click", () => pointAt(read.answer, false));
  byId("search").addEventListener("input", () => showMatches(read, state, (id) => choose(state.lens, state.layer, id)));
  byId("patches").addEventListener("toggle", () => byId("patches").open && fillPatchTable(read, state));
  byId("stage").addEventListener("pointermove", onPointer);
  byId("stage").addEventListener("click", onPress);
  byId("stage").addEventListener("keydown", onStageKey);
  document.addEventListener("keydown", onKey);
  window.addEventListener("resize", () => {
    if (!read) return;
    drawHeat(read, state);
    drawCharts(item(), state, goTo);
    drawPairCharts(state, goTo);
  });
}

async function begin() {
  await unpackVocabulary();
  buildControls();
  wire();
  await show(false);
  buildPairs(state, goTo);
}

begin();
