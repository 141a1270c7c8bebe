/** Texts of the view of the ways to Services, which come with it. */
export const trafficTexts = {
  en: {
    title: 'Ways to Services', close: 'Close the view', about: 'How a packet gets from a node, or a pod on it, to a Service: by the rules and routes that the node has now.', service: 'Service', node: 'From', failed: 'This could not be read: {message}', loading: 'Looking …',
    noServices: 'There is no Service with an address.', noNodes: 'No node is on.', name: 'The name', 'name.text': '{name} has the address {address}, which belongs to no machine.', entry: 'The node knows the address', choice: 'One of {count} is chosen', only: 'There is one to go to', chance: '{percent} %',
    refusal: 'Nobody is there to take it', 'refusal.text': 'The node refuses the packet.', noRules: 'The node has no rule for it: the packet is lost. Is kube-proxy running there?', translation: 'The destination becomes {address}', route: 'Route', here: 'on this node', there: 'on {node}', noRoute: 'No route leads there.',
  },
  de: {
    title: 'Wege zu Services', close: 'Ansicht schließen', about: 'Wie ein Paket von einem Node oder einem Pod darauf zu einem Service kommt: nach den Regeln und Routen, die der Node jetzt hat.', service: 'Service', node: 'Von', failed: 'Das ließ sich nicht lesen: {message}', loading: 'Wird gelesen …',
    noServices: 'Kein Service hat eine Adresse.', noNodes: 'Kein Node ist an.', name: 'Der Name', 'name.text': '{name} hat die Adresse {address}, die keiner Maschine gehört.', entry: 'Der Node kennt die Adresse', choice: 'Eines von {count} Zielen wird gewählt', only: 'Es gibt ein Ziel', chance: '{percent} %',
    refusal: 'Niemand ist da, der es annimmt', 'refusal.text': 'Der Node weist das Paket ab.', noRules: 'Der Node hat keine Regel dafür: Das Paket geht verloren. Läuft dort kube-proxy?', translation: 'Das Ziel wird {address}', route: 'Route', here: 'auf diesem Node', there: 'auf {node}', noRoute: 'Keine Route führt dorthin.',
  },
} as const
