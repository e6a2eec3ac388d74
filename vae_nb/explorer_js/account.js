// The account: log p(x) = reconstruction - KL + gap, as rows with bars and numbers.

// [name, key, kind of row, what it is]
const ROWS = [
  ["reconstruction", "reconstruction", "", "E over q of log p(x|z)"],
  ["− KL(q‖prior)", "kl", "belief", "what q's distance from the prior costs"],
  ["= ELBO", "elbo", "sum belief", "the bound that the model was trained on"],
  ["+ gap", "gap", "truth", "KL of q and the true posterior"],
  ["= log p(x)", "logPx", "sum truth", "the truth"],
];

export function nats(value, digits = 2) {
  if (value === null || !Number.isFinite(value)) return "…";
  return value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
}

export function makeAccount(table) {
  table.tBodies[0].replaceChildren(...ROWS.map(([name, key, kind, what]) => {
    const row = Object.assign(document.createElement("tr"), { className: kind });
    const head = Object.assign(document.createElement("th"), { textContent: name, title: what });
    head.scope = "row";
    const bar = document.createElement("td"), number = document.createElement("td");
    bar.append(Object.assign(document.createElement("div"), { className: "bar" }));
    number.dataset.key = key;
    row.append(head, bar, number);
    return row;
  }));
}

// From where to where each bar goes, on one axis that just holds them all.
function spans({ reconstruction, elbo, logPx }) {
  const end = logPx ?? elbo;
  return [[reconstruction], [elbo, reconstruction], [elbo], [elbo, end], [end]];
}

export function showAccount(table, account, isBound) {
  const bars = spans(account), ends = bars.flat();
  const low = Math.min(...ends), wide = Math.max(Math.max(...ends) - low, 1);
  const percent = (v) => 4 + 92 * (v - low) / wide;
  [...table.tBodies[0].rows].forEach((row, n) => {
    const [, key] = ROWS[n], bar = row.cells[1].firstChild, [a, b] = bars[n];
    const known = account[key] !== null;
    bar.classList.toggle("unknown", !known);
    bar.replaceChildren(b === undefined
      ? styled("b", { left: `${percent(a)}%` })
      : styled("i", { left: `${percent(a)}%`, width: `${percent(b) - percent(a)}%` }));
    const mark = isBound && known && n > 2 ? "≥ " : "";
    row.cells[2].textContent = mark + nats(account[key]);
  });
}

function styled(tag, style) {
  const element = document.createElement(tag);
  Object.assign(element.style, style);
  return element;
}
