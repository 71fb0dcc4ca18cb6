// The NHS design's own behaviours: menus that fold, errors that take the focus. Every page works without them.
import { initAll } from '../ringfence/nhsuk-frontend.min.js'

initAll()
