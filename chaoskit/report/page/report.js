"use strict";
// One cursor over all panels of a timeline, and from a check to its instant. The page says everything without this.
(function () {
  function format(value) {
    if (value === null || value === undefined) return "–";
    var size = Math.abs(value);
    return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)));
  }
  function when(t) { return (t < 0 ? "−" : "+") + Math.abs(t).toFixed(3) + " s"; }

  function setUp(board) {
    var data = JSON.parse(document.getElementById(board.dataset.scene + "-data").textContent);
    var cursors = board.querySelectorAll(".cursor");
    var readout = board.querySelector(".readout");
    var figures = board.querySelectorAll("[data-panel]");
    var at = null;

    function stateAt(panel, t) {
      for (var i = 0; i < panel.stretches.length; i++) {
        if (t >= panel.stretches[i][0] && t < panel.stretches[i][1]) return panel.stretches[i][2];
      }
      return "";
    }
    function show(t) {
      at = Math.min(data.end, Math.max(data.start, t));
      var place = ((at - data.start) / (data.end - data.start) * 100).toFixed(3) + "%";
      cursors.forEach(function (line) { line.setAttribute("x1", place); line.setAttribute("x2", place); line.setAttribute("visibility", "visible"); });
      readout.textContent = when(at - data.zero);
      var bucket = Math.min(data.count - 1, Math.floor((at - data.start) / data.width));
      figures.forEach(function (figure) {
        var panel = data.panels[Number(figure.dataset.panel)];
        figure.querySelectorAll("output").forEach(function (output) {
          output.textContent = panel.stretches.length ? stateAt(panel, at)
            : format(panel.series[Number(output.dataset.series)][bucket]) + " " + (panel.unit === "messages" ? "" : panel.unit);
        });
      });
    }
    function hide() {
      at = null;
      cursors.forEach(function (line) { line.setAttribute("visibility", "hidden"); });
      readout.textContent = "";
      figures.forEach(function (f) { f.querySelectorAll("output").forEach(function (o) { o.textContent = ""; }); });
    }
    var held = false; // the cursor stays where a check or the keyboard put it
    board.addEventListener("pointermove", function (event) {
      if (held && event.pointerType !== "mouse") return;
      var plot = board.querySelector(".panel .plot").getBoundingClientRect();
      if (event.clientX < plot.left - 4 || event.clientX > plot.right + 4) return;
      held = false;
      show(data.start + (event.clientX - plot.left) / plot.width * (data.end - data.start));
    });
    board.addEventListener("pointerleave", function () { if (!held) hide(); });
    board.addEventListener("keydown", function (event) {
      if (event.target !== board) return;
      var step = (event.shiftKey ? 10 : 1) * data.width;
      var keys = { ArrowLeft: -step, ArrowRight: step };
      if (event.key in keys) show((at === null ? data.zero : at) + keys[event.key]);
      else if (event.key === "Home") show(data.start);
      else if (event.key === "End") show(data.end);
      else if (event.key === "Escape") { held = false; hide(); return; }
      else return;
      held = true;
      event.preventDefault();
    });
    board.showAt = function (t) { held = true; show(t); };
  }

  document.querySelectorAll(".board").forEach(setUp);
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a.jump");
    if (!link) return;
    var panel = document.getElementById(link.hash.slice(1));
    if (!panel) return;
    document.querySelectorAll(".panel.shown").forEach(function (other) { other.classList.remove("shown"); });
    panel.classList.add("shown");
    panel.closest(".board").showAt(Number(link.dataset.at));
  });
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = Array.prototype.filter.call(document.querySelectorAll("details:not(.twin)"), function (d) { return !d.open; });
    closed.forEach(function (d) { d.open = true; });
  });
  window.addEventListener("afterprint", function () { closed.forEach(function (d) { d.open = false; }); });
})();
