// Says the day under the slider while it moves, and shows it when it is let go. Without this the button does.
const slider = document.getElementById('at')
const said = document.getElementById('at-day')
const words = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

slider?.addEventListener('input', () => {
  const day = new Date(`${slider.dataset.last}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() - (slider.max - slider.value))
  said.textContent = words.format(day)
  slider.setAttribute('aria-valuetext', said.textContent)
})
