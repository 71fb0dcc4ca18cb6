// Says under the slider which day it stands at while it moves; the page stays at its own day until the button is pressed.
const slider = document.getElementById('at')
const said = document.getElementById('at-day')
const shown = said?.textContent
const words = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

slider?.addEventListener('input', () => {
  const day = new Date(`${slider.dataset.last}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() - (slider.max - slider.value))
  const there = words.format(day)
  said.textContent = there === shown ? shown : `${shown}. Press Show to see ${there}`
  slider.setAttribute('aria-valuetext', there)
})
