// Visits without signal: what came of one is kept on the phone first and sent as soon as that works, with a key by which
// it is recorded once however often it is sent.
import { forgetRound, letGo, read, write } from './kept.js'

const [, , day, ref] = location.pathname.split('/')
const shell = document.querySelector('[data-shell]')
const said = document.getElementById('kept-said')
const list = document.getElementById('kept-list')
const form = document.querySelector('form[data-visit]')
let busy = false

class SignedOut extends Error {}

const element = (name, text, attributes = {}) => {
  const made = document.createElement(name)
  made.textContent = text
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

const label = (outcome) => document.querySelector(`[data-outcomes] [data-value="${CSS.escape(outcome)}"]`)?.textContent || outcome

function say(text) {
  if (!said) return
  said.textContent = text
  said.classList.remove('nhsuk-error-message')
}

// What is wrong with the form is far above the button on a phone: it is brought into sight.
function refuse(text) {
  say(text)
  said.classList.add('nhsuk-error-message')
  said.tabIndex = -1
  said.focus()
}

// What is kept and not sent: one line each, with what is wrong with it.
function show() {
  const { waiting } = read()
  if (list) {
    list.replaceChildren(...waiting.map((each) => {
      const item = element('li', `Visit ${each.ref}, ${label(each.fields.outcome)}, at ${new Date(each.at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}. `)
      if (each.problem) {
        item.append(element('strong', `It was not taken: ${each.problem} `))
        const drop = element('button', 'Remove it from this phone', { type: 'button', class: 'rf-link' })
        drop.addEventListener('click', () => {
          remove(each.key)
          show()
        })
        item.append(drop)
      }
      return item
    }))
    list.closest('section').hidden = !waiting.length
  }
  for (const stop of document.querySelectorAll('[data-stop]')) {
    const mine = waiting.find((each) => each.ref === stop.dataset.stop && each.day === day)
    stop.querySelector('[data-state]').textContent = mine ? `On this phone, not sent yet: ${label(mine.fields.outcome)}` : stop.dataset.said || ''
  }
}

function remove(key, problem) {
  const kept = read()
  const waiting = problem
    ? kept.waiting.map((each) => (each.key === key ? { ...each, problem } : each))
    : kept.waiting.filter((each) => each.key !== key)
  // A visit that is sent is not needed on the phone any more.
  const sent = problem ? undefined : kept.waiting.find((each) => each.key === key)
  write({ ...kept, waiting, stops: kept.stops.map((stop) => (sent?.ref === stop.ref && sent?.day === kept.day ? { ref: stop.ref, place: stop.place, done: label(sent.fields.outcome) } : stop)) })
}

// The token and the user of now: those of the page may be from before the last sign-in.
async function session() {
  const answer = await fetch('/visits/offline', { cache: 'no-store' })
  if (answer.redirected) throw new SignedOut()
  if (!answer.ok) throw new Error(String(answer.status))
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  return { user: page.querySelector('[data-shell]').dataset.user, token: page.querySelector('input[name=csrfmiddlewaretoken]').value }
}

async function post(each, token) {
  const ago = String(Math.max(0, Math.round((Date.now() - each.at) / 1000)))
  const body = new URLSearchParams({ ...each.fields, client_key: each.key, ago, csrfmiddlewaretoken: token })
  const answer = await fetch(`/visits/${each.day}/${each.ref}`, { method: 'POST', body, headers: { Accept: 'application/json' }, redirect: 'manual' })
  if (answer.type === 'opaqueredirect') throw new SignedOut()
  const given = (answer.headers.get('Content-Type') || '').includes('json') ? await answer.json() : null
  if (!given) throw new Error(String(answer.status))
  return given
}

// Sends what is kept. Returns how many the service took.
async function send() {
  if (busy || !read().waiting.some((each) => !each.problem)) return 0
  busy = true
  let sent = 0
  try {
    const { user, token } = await session()
    for (const each of read().waiting.filter((one) => !one.problem)) {
      if (each.user !== user) {
        say('Somebody else kept visits on this phone. They must sign in to send them.')
        continue
      }
      const given = await post(each, token)
      remove(each.key, given.problem)
      if (!given.problem) sent += 1
    }
    if (sent) say(sent === 1 ? '1 visit is sent.' : `${sent} visits are sent.`)
  } catch (problem) {
    say(problem instanceof SignedOut
      ? 'Sign in to send what is on this phone. Nothing is lost.'
      : 'No signal. It is on this phone, and is sent when there is signal. Keep this page open or come back to it.')
  } finally {
    busy = false
    show()
  }
  return sent
}

async function sendAndShow() {
  // The service's own page shows what it has on record now.
  if (await send() && !form) location.reload()
}

// What is missing is told here, because nobody is there to ask.
function missing(fields) {
  if (!fields.outcome) return 'Choose what came of it'
  if (fields.outcome === 'call_back' && !/^\d/.test(fields['call_back_at-time'] || '')) return 'Enter the time of the call back as a time of day, such as 14:05'
  if (fields.outcome === 'escalated' && !fields.note.trim()) return 'Say why it needs the health protection team, for example the care home or school'
  return ''
}

form?.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { csrfmiddlewaretoken, client_key: key, ...fields } = Object.fromEntries(new FormData(form))
  const wrong = missing(fields)
  if (wrong) return refuse(wrong)
  const kept = read()
  const waiting = [...kept.waiting.filter((each) => each.key !== key), { key, day, ref, user: form.dataset.user, at: Date.now(), fields }]
  if (!write({ ...kept, waiting })) {
    form.submit()
    return
  }
  say('Sending')
  if (await send()) {
    location.assign(`/visits/${day}`)
    return
  }
  const mine = read().waiting.find((each) => each.key === key)
  if (mine?.problem) {
    // It can be put right and sent again from here, as something new.
    remove(key)
    show()
    refuse(mine.problem)
  } else {
    form.hidden = true
    document.getElementById('kept-back').hidden = false
  }
})

// Keeping the round, and letting it go.
const keep = document.getElementById('keep')
const letItGo = document.getElementById('let-go')

function buttons() {
  const here = read().stops.length > 0 && read().day === day
  if (keep) keep.hidden = here || !('serviceWorker' in navigator)
  if (letItGo) letItGo.hidden = !here
}

keep?.addEventListener('click', async () => {
  try {
    const registration = await navigator.serviceWorker.register('/visits/worker.js')
    const worker = registration.installing || registration.waiting
    if (worker) {
      await new Promise((resolve, reject) => {
        worker.addEventListener('statechange', () => {
          if (worker.state === 'activated') resolve()
          if (worker.state === 'redundant') reject(new Error('not kept'))
        })
        if (worker.state === 'activated') resolve()
      })
    }
    const stops = [...document.querySelectorAll('[data-mine] [data-stop]')].map(({ dataset }) => ({
      ref: dataset.stop, place: dataset.place, name: dataset.name, address: dataset.address, child: dataset.child, done: dataset.said
    })).map((stop) => (stop.done ? { ref: stop.ref, place: stop.place, done: stop.done } : stop))
    if (!write({ ...read(), user: keep.dataset.user, day, stops })) throw new Error('not kept')
    say('This round is on this phone until the end of the day. You can open it here without signal.')
  } catch {
    say('This phone cannot keep the round. Take it on paper, or record what came of a visit later.')
  }
  buttons()
})

letItGo?.addEventListener('click', async () => {
  forgetRound()
  if (!read().waiting.length) await letGo()
  say('The round is off this phone.')
  buttons()
})

document.getElementById('send-now')?.addEventListener('click', sendAndShow)

// Without signal: this page has nobody in it, and shows what is kept.
function fill() {
  const kept = read()
  const round = kept.day === day ? kept.stops : []
  const stop = round.find((each) => each.ref === ref)
  const heading = document.querySelector('h1')
  if (ref && form) {
    heading.textContent = stop ? `${stop.place}. ${stop.name || 'Visited'}` : `Visit ${ref}`
    document.getElementById('stop-address').textContent = stop?.address || ''
    document.getElementById('stop-child').hidden = stop?.child !== 'yes'
    form.hidden = Boolean(stop?.done)
    form.dataset.user = kept.user
    form.elements.client_key.value = crypto.randomUUID()
    document.getElementById('kept-back').href = `/visits/${day}`
    return
  }
  document.getElementById('stop').hidden = true
  const items = round.map((each) => {
    const item = element('li', '', { class: 'rf-stop', 'data-stop': each.ref, 'data-said': each.done ? `Done: ${each.done}` : '' })
    const head = element('h2', '', { class: 'nhsuk-heading-s' })
    head.append(each.done ? `${each.place}. Visited` : element('a', `${each.place}. ${each.name}`, { href: `/visits/${day}/${each.ref}` }))
    item.append(head, element('p', each.address || ''), element('p', '', { 'data-state': '' }))
    return item
  })
  document.getElementById('kept-round').replaceChildren(...items)
  if (!items.length) say('No round of this day is kept on this phone. Find signal and load the page again.')
}

if (shell && day !== 'offline') fill()
buttons()
show()
window.addEventListener('online', sendAndShow)
setInterval(() => { if (navigator.onLine) sendAndShow() }, 30000)
if (navigator.onLine) sendAndShow()
