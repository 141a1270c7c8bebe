// Says why nothing comes where nothing can come: a browser that is too old, an address that isn't secure, code that can't be fetched. Written for old browsers.
(function () {
  var TEXTS = {
    en: {
      oldTitle: 'This browser is too old for Drydock',
      old: 'Drydock runs a whole Kubernetes cluster in the page and needs a newer browser for it: Chrome or Edge from 123, Firefox from 125, Safari from 17.5.',
      insecureTitle: 'Drydock needs a secure address',
      insecure: 'Browsers keep what a cluster needs (storage for it, locks between tabs) for pages that come over https:// or from localhost. Open Drydock by such an address.',
      brokenTitle: 'Drydock could not be loaded',
      broken: 'A part of the page did not come. Perhaps the network is gone, or a new version has just been put in its place. What you have done is kept.',
      reload: 'Load again'
    },
    de: {
      oldTitle: 'Dieser Browser ist zu alt für Drydock',
      old: 'Drydock betreibt einen ganzen Kubernetes-Cluster in der Seite und braucht dafür einen neueren Browser: Chrome oder Edge ab 123, Firefox ab 125, Safari ab 17.5.',
      insecureTitle: 'Drydock braucht eine sichere Adresse',
      insecure: 'Was ein Cluster braucht (Speicherplatz, Sperren zwischen Tabs), geben Browser nur Seiten, die über https:// oder von localhost kommen. Öffne Drydock über eine solche Adresse.',
      brokenTitle: 'Drydock konnte nicht geladen werden',
      broken: 'Ein Teil der Seite ist nicht angekommen. Vielleicht fehlt das Netz, oder gerade wurde eine neue Version eingespielt. Was du getan hast, ist noch da.',
      reload: 'Noch einmal laden'
    }
  }
  var isShown = false

  function languageOfPage() {
    try {
      var chosen = JSON.parse(localStorage.getItem('drydock.language') || 'null')
      if (chosen === 'de' || chosen === 'en') return chosen
    } catch (e) {
      // Nothing chosen, or not readable: as the browser.
    }
    return /^de/i.test(navigator.language || '') ? 'de' : 'en'
  }

  function show(kind) {
    if (isShown) return
    isShown = true
    if (!document.body) { document.addEventListener('DOMContentLoaded', function () { draw(kind) }); return }
    draw(kind)
  }

  function draw(kind) {
    var texts = TEXTS[languageOfPage()]
    var box = document.createElement('div')
    box.className = 'trouble'
    box.setAttribute('role', 'alert')
    box.lang = languageOfPage()
    var title = document.createElement('h1')
    title.textContent = texts[kind + 'Title']
    var text = document.createElement('p')
    text.textContent = texts[kind]
    box.appendChild(title)
    box.appendChild(text)
    if (kind === 'broken') {
      var button = document.createElement('button')
      button.textContent = texts.reload
      button.addEventListener('click', function () { location.reload() })
      box.appendChild(button)
    }
    document.body.appendChild(box)
  }

  function isTooOld() {
    return !('noModule' in HTMLScriptElement.prototype) || !window.CSS || !CSS.supports('color', 'light-dark(#000, #fff)') || !('popover' in HTMLElement.prototype)
      || !window.BroadcastChannel || !window.indexedDB || !window.AbortSignal || !AbortSignal.any
  }

  if (window.isSecureContext === false) show('insecure')
  else if (isTooOld()) show('old')

  // Until the page is there: afterwards its parts say themselves what fails.
  function isThere() { return !!(window.customElements && customElements.get('dd-app')) }
  // Chrome and Firefox speak of "dynamically imported module", Safari of "Importing a module script". What else goes wrong meanwhile may be an extension's.
  function isImport(error) { return /import/i.test(String(error && error.message)) }
  window.addEventListener('error', function (event) {
    if (!isThere() && ((event.target && event.target.tagName === 'SCRIPT') || isImport(event))) show('broken')
  }, true)
  window.addEventListener('unhandledrejection', function (event) { if (!isThere() && isImport(event.reason)) show('broken') })
})()
