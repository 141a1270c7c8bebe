/** Texts of the view of the API server's requests, which come with it. */
export const requestsTexts = {
  en: {
    title: 'API requests', close: 'Close the view', about: 'What clients ask the API server for while this is open, and what becomes of it, step by step.', none: 'Nothing yet. Run a kubectl command in the terminal.', failed: 'This could not be read: {message}',
    smallTalk: 'Also health checks and discovery', running: 'under way', took: '{ms} ms', list: 'Requests, the newest first', steps: 'Steps', by: 'by {agent}',
    authentication: 'Authentication: who asks', impersonation: 'Impersonation: on whose behalf', flow: 'Priority and fairness', authorization: 'Authorization: is it allowed?', aggregation: 'Aggregation: handed to another server', mutation: 'Admission: change', schema: 'Validation by the kind’s rules', validation: 'Admission: check', storage: 'Stored in etcd',
    passed: 'passed', changed: 'changed', refused: 'refused', removed: 'removed', unchanged: '{count} without a change: {names}', agreed: '{count} agreed: {names}',
  },
  de: {
    title: 'API-Anfragen', close: 'Ansicht schließen', about: 'Was Clients den API-Server fragen, solange dies offen ist, und was Schritt für Schritt daraus wird.', none: 'Noch nichts. Führe im Terminal einen kubectl-Befehl aus.', failed: 'Das ließ sich nicht lesen: {message}',
    smallTalk: 'Auch Health-Checks und Discovery', running: 'läuft', took: '{ms} ms', list: 'Anfragen, die neueste zuerst', steps: 'Schritte', by: 'von {agent}',
    authentication: 'Authentifizierung: wer fragt', impersonation: 'Impersonation: in wessen Namen', flow: 'Priority and Fairness', authorization: 'Autorisierung: Ist das erlaubt?', aggregation: 'Aggregation: an einen anderen Server gereicht', mutation: 'Admission: ändern', schema: 'Validierung nach den Regeln der Art', validation: 'Admission: prüfen', storage: 'In etcd gespeichert',
    passed: 'in Ordnung', changed: 'geändert', refused: 'abgelehnt', removed: 'entfernt', unchanged: '{count} ohne Änderung: {names}', agreed: '{count} einverstanden: {names}',
  },
} as const
