// Runs before anything of the page is drawn: sets the colours that were chosen in the footer, so that nothing flashes.
(function () {
  var theme;
  try {
    theme = localStorage.getItem('theme');
  } catch (refused) {
    return; // Storage is switched off: the system's wish holds.
  }
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
})();
