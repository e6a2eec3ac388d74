// Hide all code of a page, remembered from page to page; show an equation when its number is pointed at.
document.addEventListener("DOMContentLoaded", () => {
  const links = document.querySelector(".page-links");
  if (links && document.querySelector("div.cell_input")) {
    const button = document.createElement("button");
    const set = (hidden) => {
      document.body.classList.toggle("without-code", hidden);
      button.textContent = hidden ? "Show all code" : "Hide all code";
      button.setAttribute("aria-pressed", hidden);
      try { localStorage.setItem("without-code", hidden ? "yes" : "no"); } catch { /* storage may be refused */ }
    };
    button.type = "button";
    button.addEventListener("click", () => set(!document.body.classList.contains("without-code")));
    let before = null;
    try { before = localStorage.getItem("without-code"); } catch { /* the same */ }
    set(before === "yes");
    links.append(button);
  }

  // A button beside each block of code that copies it
  for (const block of document.querySelectorAll("div.cell_input div.highlight, article section > div > div.highlight")) {
    if (!navigator.clipboard) break; // not over http, where there is none
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent.trimEnd());
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }

  // Below each thing that a search finds, the words around what was looked for
  const found = document.getElementById("search-results");
  const wanted = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const snippet = (link) => {
    const [page, place] = link.getAttribute("href").replace(/^\.\//, "").replace(/\?[^#]*/, "").split("#");
    const sections = window.SEARCH_TEXTS?.[page.replace(/\.html$/, "")] ?? [];
    sections.sort(([a], [b]) => (b === place) - (a === place)); // its own section first
    for (const [, text] of sections) {
      for (const word of wanted) {
        const at = text.toLowerCase().indexOf(word);
        if (at < 0) continue;
        const start = at < 90 ? 0 : text.indexOf(" ", at - 90) + 1, end = at + word.length;
        const p = Object.assign(document.createElement("p"), { className: "snippet" });
        const mark = Object.assign(document.createElement("mark"), { textContent: text.slice(at, end) });
        p.append(start ? "… " : "", text.slice(Math.min(start, at), at), mark, text.slice(end, end + 130).replace(/\S*$/, ""), "…");
        return p;
      }
    }
    const begins = sections[0]?.[1].slice(0, 200).replace(/\S*$/, "…") ?? ""; // it was found in code
    return Object.assign(document.createElement("p"), { className: "snippet", textContent: begins });
  };
  if (found) {
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const item of addedNodes) if (item.matches?.("li")) item.append(snippet(item.querySelector("a")));
      }
    }).observe(found, { childList: true, subtree: true });
  }

  // The reference was one page once: an old link to a name on it goes on to the page of its module
  const old = location.hash.slice(1), [exported] = old.match(/^vae_nb\.\w+/) ?? [];
  if (exported && !document.getElementById(old)) {
    const link = document.querySelector(`article a[href$="#${exported}"]`);
    if (link) location.replace(link.href.replace(/#.*/, `#${old}`));
  }

  // An option is one word, also where a table is narrow
  for (const code of document.querySelectorAll("article table code")) code.classList.toggle("option", /^--?[\w-]{1,20}$/.test(code.textContent));

  // What Sphinx leaves for a screen reader to guess
  for (const caption of document.querySelectorAll('.caption[role="heading"]')) caption.setAttribute("aria-level", "2");
  for (const list of document.querySelectorAll(".citation-list")) list.removeAttribute("role");
  for (const part of document.querySelectorAll("dt.sig dl, dt.sig dd")) part.setAttribute("role", "presentation");

  const leave = () => document.getElementById("peek")?.remove();
  const peek = (event) => {
    leave();
    const equation = document.getElementById(event.target.hash.slice(1));
    if (!equation || window.innerWidth < 700) return;
    const box = Object.assign(document.createElement("div"), { id: "peek" });
    const copy = equation.cloneNode(true);
    copy.removeAttribute("id");
    box.setAttribute("aria-hidden", "true");
    box.append(copy);
    document.body.append(box);
    const at = event.target.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${window.scrollY + (at.top > box.offsetHeight + 60 ? at.top - box.offsetHeight - 6 : at.bottom + 6)}px`;
  };
  for (const link of document.querySelectorAll("a.equation")) {
    for (const name of ["mouseenter", "focus"]) link.addEventListener(name, peek);
    for (const name of ["mouseleave", "blur", "click"]) link.addEventListener(name, leave);
  }

  // On a narrow screen a table breaks long names after a _, and takes smaller letters; if that is not enough, a row becomes a paragraph
  const numbers = /^[−+±-]?[\d.,]+( ?[%×]| ?± ?[\d.,]+)?$/;
  for (const table of document.querySelectorAll("article table")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    for (const cell of table.querySelectorAll("tbody td")) {
      cell.dataset.head = heads[cell.cellIndex] ?? "";
      const said = cell.textContent.trim();
      cell.classList.toggle("number", numbers.test(said));
      const names = document.createNodeIterator(cell, NodeFilter.SHOW_TEXT, (text) => /_\w/.test(text.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP);
      const found = [];
      for (let name = names.nextNode(); name; name = names.nextNode()) found.push(name);
      for (const name of found) {
        const parts = name.data.match(/.*?_(?=\w)|.+$/gs);
        name.replaceWith(...parts.flatMap((part, i) => i ? [document.createElement("wbr"), part] : [part]));
      }
    }
  }
  const tighten = () => {
    for (const table of document.querySelectorAll("article table")) {
      table.classList.remove("tight", "stacked");
      for (const degree of ["tight", "stacked"]) {
        if (table.scrollWidth > table.parentElement.clientWidth) table.classList.add(degree);
      }
    }
  };
  tighten();
  window.addEventListener("resize", tighten);

  // Printed lines wrap; drawn tables, arrays and code keep their columns
  for (const printed of document.querySelectorAll("div.cell_output pre")) {
    printed.classList.toggle("columns", /^(array\(|def |class )|[│┃]/.test(printed.textContent));
  }

  // Where the screen is narrower than a formula: one in a line of text scrolls by itself, one of its own gets smaller first
  const fit = () => {
    for (const formula of document.querySelectorAll("span.math")) {
      formula.classList.remove("wide");
      const room = formula.closest("p, li, td, th, h1, h2, h3, div").clientWidth + 1;
      formula.classList.toggle("wide", formula.getBoundingClientRect().width > room);
    }
    for (const formula of document.querySelectorAll("article div.math")) {
      formula.style.fontSize = "";
      const share = formula.clientWidth / formula.scrollWidth;
      if (share > 0.65 && share < 1) formula.style.fontSize = `${99 * share}%`; // else it would be too small to read: it scrolls
    }
  };
  window.MathJax?.startup?.promise.then(() => {
    fit();
    tighten(); // formulas are wider or narrower than their text was
    window.addEventListener("resize", fit);
  });
});
