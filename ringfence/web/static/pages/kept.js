// What a visitor's phone keeps: the round that they chose to keep, and outcomes that could not be sent yet. Without a key
// that only they know it cannot be kept encrypted, so it is little, and it goes when it is sent, when the day is over, and
// when they sign out.
const KEY = 'ringfence-visits'

export const today = () => new Date().toLocaleDateString('en-CA', { timeZone: 'Europe/London' })

export function read() {
  try {
    return { user: '', day: '', stops: [], waiting: [], ...JSON.parse(localStorage.getItem(KEY) || '{}') }
  } catch {
    return { user: '', day: '', stops: [], waiting: [] }
  }
}

// False where the phone refuses to keep anything.
export function write(kept) {
  try {
    if (kept.stops.length || kept.waiting.length) localStorage.setItem(KEY, JSON.stringify(kept))
    else localStorage.removeItem(KEY)
    return true
  } catch {
    return false
  }
}

export function forgetRound() {
  const kept = read()
  write({ ...kept, day: '', stops: [] })
}

// Names and addresses of a day that is over.
export function tidy() {
  if (read().day && read().day < today()) forgetRound()
}

// Everything, and the pages that answer without signal.
export async function forgetAll() {
  localStorage.removeItem(KEY)
  await letGo()
}

export async function letGo() {
  if ('caches' in window) await caches.delete(KEY).catch(() => false)
  const workers = (await navigator.serviceWorker?.getRegistrations().catch(() => [])) || []
  // The page may be on its way to the next one; signing out clears them in any case.
  await Promise.allSettled(workers.map((worker) => worker.unregister()))
}
