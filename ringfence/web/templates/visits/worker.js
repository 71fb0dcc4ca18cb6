// Answers for the pages of visits when there is no signal, with a page that holds nobody: its script fills it from what
// the visitor chose to keep on this phone. Nothing about a person is in this store.
const SHELL = '/visits/offline'
const KEPT = [SHELL, {{ asset("ringfence/nhsuk-frontend.min.css") | tojson }}, {{ asset("pages/pages.css") | tojson }}, {{ asset("pages/pages.js") | tojson }}, '/static/ringfence/nhsuk-frontend.min.js', '/static/pages/kept.js', {{ asset("pages/visits.js") | tojson }}]
const STORE = 'ringfence-visits'

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(KEPT)).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('fetch', (event) => {
  const { request } = event
  if (request.method !== 'GET') return
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => caches.match(SHELL)))
  } else if (new URL(request.url).pathname.startsWith('/static/')) {
    event.respondWith(fetch(request).catch(() => caches.match(request, { ignoreSearch: true })))
  }
})
