// The image with its patches: shading, the patch under the pointer, and the way to the next one.

/** The patches of a level, from the finest, 0. */
function patchesAt(read, level) {
  return read.patches.filter((patch) => patch && patch.level === level);
}

/** The level of the most boxes over one another; 0 where none lie over others. */
function highestLevel(read) {
  return Math.max(0, ...read.patches.map((patch) => (patch ? patch.level : 0)));
}

/** The patch at a point (shares of the image's sides): of the level, or else the smallest. */
function patchAt(read, x, y, level) {
  let found = null;
  for (const patch of read.patches) {
    if (!patch || x < patch.left || x > patch.right || y < patch.top || y > patch.bottom) continue;
    if (patch.level === level) return patch;
    if (!found || patch.level < found.level) found = patch;
  }
  return found;
}

/** The next patch of the same level to the left (-1, 0), right, up or down; itself at the edge. */
function neighbour(read, patch, dx, dy) {
  const middle = (each) => [(each.left + each.right) / 2, (each.top + each.bottom) / 2];
  const [x, y] = middle(patch);
  const [width, height] = [patch.right - patch.left, patch.bottom - patch.top];
  let best = patch;
  let least = Infinity;
  for (const each of patchesAt(read, patch.level)) {
    const [along, across] = middle(each).map((value, i) => value - [x, y][i]);
    const [ahead, aside] = dx ? [along * dx, across / height] : [across * dy, along / width];
    if (ahead <= 0.01 * (dx ? width : height) || Math.abs(aside) > 0.6) continue;
    const distance = ahead + Math.abs(aside) * 0.01;
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}

/** What the shading shows of each patch: 0 to 1. */
function shades(read, state) {
  const value = (patch) =>
    state.shading === "word" && state.word !== null
      ? probabilityOf(read, state.lens, state.layer, patch.token, state.word)
      : topAt(read, state.lens, state.layer, patch.token, 0).probability;
  return patchesAt(read, state.level).map((patch) => [patch, value(patch)]);
}

const SHADE = "213, 94, 0";

/** Paints every patch as opaque as its probability is high, and the lines between patches. */
function drawHeat(read, state) {
  const canvas = document.getElementById("heat");
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (state.shading === "word" && state.word === null) return;
  context.strokeStyle = "rgba(255, 255, 255, 0.22)";
  context.lineWidth = 1;
  if (state.shading === "none") return;
  for (const [patch, value] of shades(read, state)) {
    const [x, y] = [Math.round(patch.left * width), Math.round(patch.top * height)];
    const [right, bottom] = [Math.round(patch.right * width), Math.round(patch.bottom * height)];
    context.fillStyle = `rgba(${SHADE}, ${0.85 * value})`;
    context.fillRect(x, y, right - x, bottom - y);
    context.strokeRect(x + 0.5, y + 0.5, right - x, bottom - y);
  }
}

/** Puts the frame around the patch that is read; none at the answer position. */
function framePatch(patch, locked) {
  const frame = document.getElementById("pointed");
  frame.hidden = !patch;
  if (!patch) return;
  frame.classList.toggle("locked", locked);
  frame.style.left = `${100 * patch.left}%`;
  frame.style.top = `${100 * patch.top}%`;
  frame.style.width = `${100 * (patch.right - patch.left)}%`;
  frame.style.height = `${100 * (patch.bottom - patch.top)}%`;
}

function placeName(read, place) {
  if (place === read.answer) return "the answer position";
  const patch = read.patches[place];
  if (!patch) return `image token ${place + 1}, which shows nothing of it`;
  const coarser = patch.level > 0 ? " of the coarser grid" : "";
  return `patch row ${patch.row}, column ${patch.column}${coarser}`;
}

/** The shading as a table: what a reader of the page hears or copies. */
function fillPatchTable(read, state) {
  const rows = patchesAt(read, state.level).map((patch) => {
    const top = topAt(read, state.lens, state.layer, patch.token, 0);
    return [`row ${patch.row}, column ${patch.column}`, tokenElement(top.id), shownProbability(top.probability)];
  });
  const caption = `Most probable token of each patch, layer ${state.layer}, ${LENS_NAMES[state.lens]}`;
  document
    .getElementById("patch-table")
    .replaceChildren(plainTable(caption, ["patch", "token", "probability"], rows));
}
