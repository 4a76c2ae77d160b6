// What docs/mobile.md asks of a service worker, and a word to the test.
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil((async () => {
  const text = event.data.text();
  const push = JSON.parse(text);
  await self.registration.showNotification(push.title, { ...push, data: push.nightbell });
  const shown = await self.registration.getNotifications();
  await fetch('/shown', {
    method: 'POST',
    body: JSON.stringify({
      payload: text,
      notifications: shown.map((n) => ({ title: n.title, body: n.body, tag: n.tag, silent: n.silent, actions: (n.actions || []).map((a) => a.action) })),
    }),
  });
})()));
