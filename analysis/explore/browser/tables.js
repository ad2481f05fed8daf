// The tables of a place: a row for each layer, a column for each rank, a table for each lens.

const cells = {};

/** Builds the empty tables once; `choose(lens, layer, id)` and `go(layer)` are what presses do. */
function buildTables(lenses, choose, go) {
  const tables = lenses.map((lens) => {
    cells[lens] = [];
    const heads = ["layer", ...Array.from({ length: data.tops }, (_, rank) => `${rank + 1}`)];
    const body = element("tbody");
    for (let layer = 0; layer < data.layers; layer += 1) body.append(tableRow(lens, layer, choose, go));
    const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
    const table = element(
      "table",
      { className: `tops ${lens}` },
      element("caption", {}, LENS_NAMES[lens]),
      element("thead", {}, head),
      body,
    );
    table.addEventListener("keydown", (event) => moveInTable(event, lens));
    // A tooltip for the mouse, made only where it is asked for.
    table.addEventListener("pointerover", ({ target }) => {
      const button = target.closest("td button");
      if (button) button.title = button.getAttribute("aria-label");
    });
    return element("div", { className: "scroll" }, table);
  });
  document.getElementById("tables").replaceChildren(...tables);
}

function tableRow(lens, layer, choose, go) {
  const number = element("button", { type: "button", tabIndex: -1 }, `${layer}`);
  number.setAttribute("aria-label", `Layer ${layer}`);
  number.addEventListener("click", () => go(layer));
  const row = [number];
  const made = Array.from({ length: data.tops }, () => {
    const text = element("bdi", { className: "token" }, " ");
    const button = element("button", { type: "button", tabIndex: -1 }, text);
    button.addEventListener("click", () => choose(lens, layer, button.tokenId));
    row.push(button);
    return element("td", {}, button);
  });
  cells[lens].push(row);
  return element("tr", {}, element("th", { scope: "row" }, number), ...made);
}

/** Shows a place in all tables; only what differs is touched, so that a hover costs little. */
function fillTables(read, place, word) {
  for (const [lens, rows] of Object.entries(cells)) {
    for (let layer = 0; layer < data.layers; layer += 1) {
      for (let rank = 0; rank < data.tops; rank += 1) {
        const top = topAt(read, lens, layer, place, rank);
        fillCell(rows[layer][rank + 1], top, top.id === word);
      }
    }
  }
}

function fillCell(button, { id, probability }, isChosen) {
  if (button.tokenId !== id) {
    button.tokenId = id;
    button.firstChild.firstChild.data = tokenText(id);
  } else if (button.probability === probability && button.isChosen === isChosen) {
    return;
  }
  button.probability = probability;
  button.style.backgroundSize = `${(100 * probability).toFixed(1)}% 4px`;
  button.setAttribute("aria-label", `${isolated(tokenText(id))}, ${shownProbability(probability)}`);
  if (button.isChosen !== isChosen) button.classList.toggle("chosen", isChosen);
  button.isChosen = isChosen;
}

/** Marks the row of the layer, makes it the one that Tab reaches, and brings it into sight. */
function markLayer(layer) {
  for (const rows of Object.values(cells)) {
    rows.forEach((row, number) => {
      const here = number === layer;
      const line = row[0].closest("tr");
      if (line.classList.contains("here") === here) return;
      line.classList.toggle("here", here);
      row.forEach((button) => {
        button.tabIndex = -1;
      });
      if (here) {
        row[0].setAttribute("aria-current", "true");
        row[1].tabIndex = 0;
        scrollWithin(line);
      } else {
        row[0].removeAttribute("aria-current");
      }
    });
  }
}

/** Scrolls the table alone: the page stays where it is. */
function scrollWithin(line) {
  const box = line.closest(".scroll");
  const head = box.querySelector("thead").offsetHeight;
  const top = line.offsetTop - head;
  if (top < box.scrollTop || line.offsetTop + line.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = top - box.clientHeight / 3;
  }
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Arrow keys inside a table go from cell to cell, as in every grid. */
function moveInTable(event, lens) {
  const step = STEPS[event.key];
  if (!step) return;
  const rows = cells[lens];
  const layer = rows.findIndex((row) => row.includes(event.target));
  if (layer < 0) return;
  const rank = rows[layer].indexOf(event.target);
  const next = (rows[layer + step[0]] || [])[rank + step[1]];
  event.preventDefault();
  if (next) next.focus();
}
