/** Texts of the list of lessons. */
export const lessonListTexts = {
  en: {
    'part.basics': 'First steps', 'part.workloads': 'Programs that keep running', 'part.storage': 'Data that lasts', 'part.network': 'Ways in and ways between', 'part.security': 'Rights and secrets',
    'part.delivery': 'Build, pack, extend', 'part.operations': 'When things go wrong',
    hours: '{hours} h', overall: '{done} of {total} lessons done', left: 'about {time} to go', partDone: '{done} of {total}', partAll: '{total} lessons',
    search: 'Search lessons', searchHint: 'Topic, command, number …', found: '{count} found', foundOne: '1 found', foundNone: 'No lesson has “{query}”.',
    goOn: 'Go on with {lesson}',
    welcomeTitle: 'New to Kubernetes?',
    welcome1: 'On the left there are lessons, in the middle a terminal, on the right what your cluster is doing.',
    welcome2: 'The cluster is simulated and answers as a real one does. Nothing you try can break anything or leave this browser, and all of it is still there when you come back.',
    welcomePhone: 'Below you switch between lessons, a terminal, and what your cluster is doing.',
    welcomeBegin: 'Begin with lesson 1', welcomeHide: 'Put this hint away',
    freeText: 'Use the terminal as you like. kubectl is set up; “kubectl get nodes” is a good start.',
  },
  de: {
    'part.basics': 'Erste Schritte', 'part.workloads': 'Programme am Laufen halten', 'part.storage': 'Daten, die bleiben', 'part.network': 'Wege hinein und dazwischen', 'part.security': 'Rechte und Geheimnisse',
    'part.delivery': 'Bauen, packen, erweitern', 'part.operations': 'Wenn etwas schiefgeht',
    hours: '{hours} h', overall: '{done} von {total} Lektionen geschafft', left: 'noch etwa {time}', partDone: '{done} von {total}', partAll: '{total} Lektionen',
    search: 'Lektionen durchsuchen', searchHint: 'Thema, Befehl, Nummer …', found: '{count} gefunden', foundOne: '1 gefunden', foundNone: 'In keiner Lektion steht „{query}“.',
    goOn: 'Weiter mit {lesson}',
    welcomeTitle: 'Neu bei Kubernetes?',
    welcome1: 'Links sind Lektionen, in der Mitte ist ein Terminal, rechts siehst du, was in deinem Cluster geschieht.',
    welcome2: 'Der Cluster ist simuliert und antwortet wie ein echter. Was du ausprobierst, macht nichts kaputt und verlässt diesen Browser nicht, und wenn du wiederkommst, ist alles noch da.',
    welcomePhone: 'Unten wechselst du zwischen Lektionen, einem Terminal und dem, was in deinem Cluster geschieht.',
    welcomeBegin: 'Mit Lektion 1 beginnen', welcomeHide: 'Hinweis ausblenden',
    freeText: 'Benutze das Terminal, wie du magst. kubectl ist eingerichtet; „kubectl get nodes“ ist ein guter Anfang.',
  },
} as const
