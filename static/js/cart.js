/* Saves steps only: every page works without it. It never submits, never navigates, never ticks a box. */
(function () {
  "use strict";
  var sent = new WeakSet();

  /* After a press that could not go through, start where the problem is told. */
  var errors = document.getElementById("errors");
  if (errors) { errors.focus(); }

  document.querySelectorAll("[data-js]").forEach(function (node) { node.hidden = false; });

  function announce(text) {
    var status = document.getElementById("status");
    if (status && status.textContent !== text) { status.textContent = text; }
  }

  /* Stop a second press. The button keeps its focus and its place; only its words change, after the press. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (sent.has(form)) { event.preventDefault(); return; }
    var button = event.submitter;
    if (!button || !button.dataset.busy) { return; }
    sent.add(form);
    button.dataset.label = button.textContent;
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
    announce(button.dataset.busy);
  });

  /* Back from the bank or from the next page: the browser may show this page as it was left. */
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) { return; }
    sent = new WeakSet();
    document.querySelectorAll("[data-label]").forEach(function (button) {
      button.textContent = button.dataset.label;
      button.removeAttribute("aria-disabled");
      delete button.dataset.label;
    });
    announce("");
  });

  /* Changing the language keeps the chosen card. */
  document.querySelectorAll("a[hreflang]").forEach(function (link) {
    link.addEventListener("click", function () {
      var card = document.querySelector("input[name=card]:checked");
      if (!card) { return; }
      var url = new URL(link.href);
      url.searchParams.set("card", card.value);
      link.href = url.href;
    });
  });

  /* While the bank is asked: say when there is an answer. Showing it stays the shopper's act. */
  var waiting = document.querySelector("[data-poll]");
  var tries = 0;
  function ask() {
    tries += 1;
    fetch(waiting.dataset.poll, { headers: { Accept: "application/json" }, cache: "no-store", credentials: "omit" })
      .then(function (answer) { return answer.ok ? answer.json() : { state: "pending" }; })
      .then(function (found) {
        if (found.state === "pending") { again(); } else { announce(waiting.dataset.ready); }
      })
      .catch(again);
  }
  function again() {
    if (tries < 40) { window.setTimeout(ask, Math.min(2000 + 500 * tries, 15000)); }
  }
  if (waiting && window.fetch) { again(); }
})();
