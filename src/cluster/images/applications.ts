import type { ImageDefinition } from './image.ts'
import { adminerImage } from './adminer/adminer.ts'
import { dashboardImage, metricsScraperImage } from './dashboard/dashboard.ts'
import { ghostImage } from './ghost/ghost.ts'
import { jupyterImages } from './jupyter/jupyter.ts'
import { parseServerImage } from './parse-server/parse-server.ts'
import { wordpressImage } from './wordpress/wordpress.ts'

/** Applications that tutorials deploy, with pages for people. */
export const applicationImages: readonly ImageDefinition[] = [wordpressImage, ghostImage, dashboardImage, metricsScraperImage, ...jupyterImages, parseServerImage, adminerImage]
