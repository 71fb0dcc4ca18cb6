// Places that are known already, offered while the name of one is typed: the browser's own list below the field. Who
// chooses one gets its postcode too; who types on gets what they typed.
const WAIT = 150

for (const field of document.querySelectorAll('input[name^="a-places-"][name$="-name"]')) {
  const beside = (name) => document.getElementById(field.id.replace(/-name$/, `-${name}`))
  const list = document.createElement('datalist')
  list.id = `${field.id}-known`
  field.after(list)
  field.setAttribute('list', list.id)
  let known = new Map()
  let asked
  let timer

  const ask = async () => {
    asked?.abort()
    asked = new AbortController()
    const values = new URLSearchParams({ q: field.value, postcode: beside('postcode').value })
    try {
      const answer = await fetch(`/settings/suggest?${values}`, { signal: asked.signal, headers: { Accept: 'application/json' } })
      if (!answer.ok) return
      const { places } = await answer.json()
      known = new Map(places.map((each) => [[each.name, each.postcode].filter(Boolean).join(', '), each]))
      list.replaceChildren(...[...known.keys()].map((text) => Object.assign(document.createElement('option'), { value: text })))
    } catch {
      // No answer, or a later letter was quicker: the field is a plain one.
    }
  }

  field.addEventListener('input', () => {
    clearTimeout(timer)
    const chosen = known.get(field.value)
    if (chosen) {
      field.value = chosen.name
      beside('postcode').value = chosen.postcode || beside('postcode').value
    } else {
      timer = setTimeout(ask, WAIT)
    }
  })
  // A postcode that is there already tells which places are meant before a letter is typed.
  field.addEventListener('focus', () => { if (beside('postcode').value && !field.value) ask() })
}
