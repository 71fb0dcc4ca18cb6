// The NHS design's own behaviours: menus that fold, errors that take the focus. Every page works without them.
import { initAll } from '../ringfence/nhsuk-frontend.min.js'
import { forgetAll, read, tidy } from './kept.js'

initAll()
tidy()

document.querySelector('form[action="/sign-out"]')?.addEventListener('submit', (event) => {
  const { waiting } = read()
  const visits = waiting.length === 1 ? '1 visit is' : `${waiting.length} visits are`
  if (waiting.length && !window.confirm(`${visits} on this phone and not sent yet. Sign out and lose them?`)) {
    event.preventDefault()
    event.stopImmediatePropagation()
  } else {
    forgetAll()
  }
}, { capture: true })
