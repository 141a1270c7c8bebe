// Before the first paint: the theme that was chosen here last.
try {
  const theme = JSON.parse(localStorage.getItem('drydock.theme') ?? 'null')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Nothing chosen, or not readable: as the system.
}
