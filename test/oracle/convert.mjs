// What @mtcute/convert makes of our strings and folders, and its own.
//
//   convert.mjs parse KIND TEXT         JSON of what it finds, and the same again
//   convert.mjs make KIND               JSON on stdin -> {text}
//   convert.mjs tdata FOLDER [PASSCODE] JSON on stdin -> a folder
//   convert.mjs tdata-read FOLDER [PASSCODE]
import { readFileSync } from 'node:fs'

import * as convert from '@mtcute/convert'
import { readStringSession, writeStringSession } from '@mtcute/core/utils.js'

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const bytes = (text) => new Uint8Array(Buffer.from(text, 'hex'))
const stdin = () => JSON.parse(readFileSync(0, 'utf8'))

// kind -> its own reader and writer, and the way through mtcute's form
const kinds = {
  'telethon': {
    parse: convert.parseTelethonSession, write: convert.serializeTelethonSession,
    from: convert.convertFromTelethonSession, to: convert.convertToTelethonSession,
  },
  'gramjs': {
    parse: convert.parseGramjsSession, write: convert.serializeGramjsSession,
    from: convert.convertFromGramjsSession, to: convert.convertToGramjsSession,
  },
  'pyrogram': {
    parse: convert.parsePyrogramSession, write: convert.serializePyrogramSession,
    from: convert.convertFromPyrogramSession, to: convert.convertToPyrogramSession,
  },
  'mtkruto': {
    parse: convert.parseMtkrutoSession, write: convert.serializeMtkrutoSession,
    from: convert.convertFromMtkrutoSession, to: convert.convertToMtkrutoSession,
  },
  'mtcute': {
    parse: readStringSession, write: writeStringSession,
    from: (text) => readStringSession(text), to: (it) => writeStringSession(it),
  },
}

function shown(it) {
  const main = it.primaryDcs?.main ?? {}
  return {
    dc_id: it.dcId ?? main.id,
    server_address: it.ipAddress ?? main.ipAddress,
    port: it.port ?? main.port,
    ipv6: it.ipv6 ?? main.ipv6 ?? false,
    test_mode: it.isTest ?? main.testMode ?? false,
    user_id: it.userId ?? it.self?.userId ?? null,
    is_bot: it.isBot ?? it.self?.isBot ?? false,
    api_id: it.apiId ?? null,
    key: hex(it.authKey),
  }
}

// mtcute's form of what is wanted
function wanted(it) {
  const dc = {
    id: it.dc_id, ipAddress: it.server_address, port: it.port,
    ipv6: it.server_address.includes(':'), testMode: it.test_mode,
  }
  return {
    version: 3, primaryDcs: { main: dc, media: dc }, authKey: bytes(it.key),
    self: it.user_id && {
      userId: it.user_id, isBot: it.is_bot, isPremium: false, usernames: [],
    },
  }
}

const commands = {
  parse(kind, text) {
    const k = kinds[kind]
    const parsed = k.parse(text)
    return { ...shown(parsed), again: k.write(parsed), through: k.to(k.from(text)) }
  },
  make(kind) {
    const it = stdin()
    return { text: kinds[kind].to(wanted(it), { apiId: it.api_id }) }
  },
  async tdata(path, passcode) {
    await convert.convertToTdata(wanted(stdin()), { path, passcode })
    return {}
  },
  async 'tdata-read'(path, passcode) {
    return shown(await convert.convertFromTdata({ path, passcode }))
  },
}

const [, , command, ...args] = process.argv
console.log(JSON.stringify(await commands[command](...args)))
