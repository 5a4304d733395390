// The default bridge: WhatsApp by Baileys, spoken to in JSON lines over stdin and stdout. See PROTOCOL.md.
//
// stdout is taken over before anything else is loaded, so that no library can write there.

import { takeStdout } from './lib/stdout.mjs';

const emit = takeStdout();

emit({
  type: 'hello',
  protocol: { major: 1, minor: 2 },
  bridge: 'baileys',
  version: '0.1.0',
  capabilities: ['ids', 'receipts', 'connection', 'heartbeat', 'ack', 'restriction', 'passkey', 'logout', 'groups'],
});

const { Bridge } = await import('./lib/bridge.mjs');
await new Bridge(emit).run();
