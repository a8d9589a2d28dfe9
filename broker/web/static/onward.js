// Sends the form on without a press of its button. Not after "back": who goes back wants to stay, or to choose again.
"use strict";
(() => {
  const arrived = performance.getEntriesByType("navigation")[0];
  if (arrived === undefined || arrived.type !== "back_forward") {
    document.getElementById("onward").requestSubmit();
  }
})();
