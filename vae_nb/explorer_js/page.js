// Parts of the page by name, and what Python told it.

export const $ = (id) => document.getElementById(id);
export const told = window.vae_nb_explorer;
