// The page at /docs: shows /openapi.json, and tries requests. What it shows gets into the page as text only.

const byId = id => document.getElementById(id)
const KEY = 'pilothouse.token'
const METHODS = ['get', 'post', 'put', 'patch', 'delete']
let api

/** An element with attributes and children. A function as an attribute listens. */
const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value != null) element.setAttribute(name, value)
  }
  element.append(...children.flat().filter(child => child != null))
  return element
}

/** A text with `code`, [links](to) and lists, which is all that descriptions have. */
const prose = text => {
  const line = words => words.split(/(`[^`]+`|\[[^\]]+\]\([^)]+\))/).map(part => {
    if (part.startsWith('`')) return h('code', {}, part.slice(1, -1))
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part)
    return link ? line(link[1])[1] ?? link[1] : part
  })
  const blocks = (text ?? '').split(/\n\n+/).filter(Boolean).map(block => {
    const items = block.split(/^\* /m)
    return items.length > 1
      ? h('ul', {}, items.slice(1).map(item => h('li', {}, line(item.trim()))))
      : h('p', {}, line(block.replaceAll('\n', ' ')))
  })
  return h('div', { class: 'text' }, blocks)
}

const resolve = value => {
  if (!value?.$ref) return value
  const { $ref, ...beside } = value
  const found = $ref.slice(2).split('/').reduce((at, part) => at?.[part], api)
  return { ...found, ...beside, named: $ref.split('/').at(-1) }
}

/** A schema without references at its top, what it is put together from merged in. */
const merged = schema => {
  const own = resolve(schema) ?? {}
  return (own.allOf ?? []).map(merged).reduceRight((all, part) => ({
    ...part, ...all,
    properties: { ...part.properties, ...all.properties },
    required: [...(part.required ?? []), ...(all.required ?? [])]
  }), own)
}

const alternatives = schema => schema.oneOf ?? schema.anyOf

const typeOf = schema => {
  const own = merged(schema)
  if ('const' in own) return JSON.stringify(own.const)
  const several = alternatives(own)
  if (several) return several.length > 3 ? 'one of several' : several.map(typeOf).join(' or ')
  if (own.enum) return own.enum.length > 4 ? 'one of a few words' : own.enum.map(word => JSON.stringify(word)).join(' or ')
  const types = [own.type ?? 'anything'].flat()
  if (own.items) return `list of ${typeOf(own.items)}`
  return types.join(' or ') + (own.format ? ` (${own.format})` : '')
}

const limits = schema => {
  const told = []
  if (schema.minimum != null && schema.minimum !== 0 || schema.maximum != null) told.push(`${schema.minimum ?? '…'} to ${schema.maximum ?? '…'}`)
  if (schema.maxLength != null) told.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`)
  if (schema.maxItems != null) told.push(`up to ${schema.maxItems}`)
  if (schema.default != null) told.push(`default ${schema.default}`)
  return told.join(', ')
}

/** The fields of a schema, if it has any. Of what is asked it matters what has to be there, of answers what may not. */
const fields = (schema, asked, seen = []) => {
  const own = merged(schema)
  const several = alternatives(own)?.filter(one => merged(one).type !== 'null')
  if (several?.length === 1) return fields(several[0], asked, seen)
  if (several) {
    const shown = several.map(one => [one, fields(one, asked, seen)]).filter(([, list]) => list)
    if (!shown.length) return null
    return h('ul', { class: 'fields' }, shown.map(([one, list]) => {
      const { named, properties, description } = merged(one)
      const name = named ?? Object.values(properties ?? {}).map(property => property.const).find(Boolean) ?? 'one of these'
      return h('li', {}, more(name, prose(description), list))
    }))
  }
  if (own.items) return fields(own.items, asked, seen)
  if (!Object.keys(own.properties ?? {}).length) return null
  if (own.named && seen.includes(own.named)) return null
  const path = own.named ? [...seen, own.named] : seen
  return h('ul', { class: 'fields' }, Object.entries(own.properties).map(([name, property]) =>
    field(name, property, presence(asked, own.required?.includes(name)), asked, path)))
}

const more = (name, ...inside) => h('details', { class: 'more' }, h('summary', {}, name), ...inside)

const presence = (asked, required) => asked ? required && 'required' : !required && 'may be missing'

const field = (name, schema, present, asked, seen, description) => {
  const own = merged(schema)
  const inner = fields(schema, asked, seen)
  const told = limits(own)
  return h('li', {},
    h('span', { class: 'field' }, name), h('span', { class: 'type' }, typeOf(schema) + (told && `, ${told}`)),
    present ? h('span', { class: 'required' }, present) : null,
    prose(description ?? own.description), inner && more('its fields', inner))
}

const pretty = value => typeof value === 'string' ? value : JSON.stringify(value, null, 2)

const examplesOf = content => Object.entries(content?.examples ?? {}).map(([name, example]) => [name, example.value])

const response = (status, told) => {
  const { description, content = {}, headers = {} } = resolve(told)
  return h('details', { class: 'answer' },
    h('summary', {}, h('span', { class: `status s${status[0]}` }, status), ...(prose(description).firstChild?.childNodes ?? [])),
    Object.keys(headers).length
      ? h('ul', { class: 'fields' }, Object.entries(headers).map(([name, header]) =>
        field(name, header.schema, presence(false, header.required), false, [], header.description)))
      : null,
    Object.entries(content).map(([kind, one]) => [
      h('p', { class: 'kind' }, kind),
      fields(one.schema) && more('Fields', fields(one.schema, false)),
      examplesOf(one).map(([, value]) => h('pre', {}, pretty(value)))
    ]).flat(2))
}

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`

/** What a form asks for. */
const request = (method, path, operation, form) => {
  const query = new URLSearchParams()
  const headers = {}
  for (const parameter of operation.parameters ?? []) {
    const value = form.elements[`${parameter.in}.${parameter.name}`].value
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, encodeURIComponent(value))
    else if (value && parameter.in === 'query') query.append(parameter.name, value)
    else if (value) headers[parameter.name] = value
  }
  const kind = form.elements.accept?.value
  if (kind) headers.Accept = kind
  const body = form.elements.body?.value
  if (body != null) headers['Content-Type'] = 'application/json'
  const text = query.toString()
  return { method: method.toUpperCase(), url: path + (text && `?${text}`), headers, body }
}

const curl = ({ method, url, headers, body }, needsToken) => [
  'curl -sS', method === 'GET' ? '' : `-X ${method}`, quoted(location.origin + url),
  needsToken ? '-H "Authorization: Bearer $(pilothouse token)"' : '',
  ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
  body == null ? '' : `-d ${quoted(body)}`
].filter(Boolean).join(' ')

/** A picture within an address, which is all that this page may show. */
const picture = async answer => {
  const reader = new FileReader()
  const read = new Promise(done => reader.addEventListener('load', done))
  reader.readAsDataURL(await answer.blob())
  await read
  return h('img', { src: reader.result, alt: 'The answer' })
}

/** Shows an answer as it comes. The end of what never ends is shown, not all of it. */
const follow = async (answer, out) => {
  if (answer.headers.get('content-type')?.startsWith('image/')) {
    out.replaceWith(await picture(answer))
    return
  }
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true }
    if (done) break
    text = (text + value).slice(-200_000)
    out.textContent = text
  }
  if (answer.headers.get('content-type')?.includes('json')) {
    try { out.textContent = pretty(JSON.parse(text)) } catch { /* it is shown as it is */ }
  }
}

const send = async (asked, needsToken, result, stop) => {
  const { method, url, headers, body } = asked
  const token = byId('token').value.trim()
  if (needsToken && token) headers.Authorization = `Bearer ${token}`
  const start = performance.now()
  try {
    const answer = await fetch(url, { method, headers, body, signal: stop.signal, cache: 'no-store', credentials: 'omit' })
    const took = Math.round(performance.now() - start)
    const status = String(answer.status)
    const told = ['content-type', 'location', 'retry-after', 'www-authenticate', 'allow']
      .map(name => [name, answer.headers.get(name)]).filter(([, value]) => value)
    const out = h('pre', { tabindex: 0 })
    result.replaceChildren(
      h('p', {}, h('span', { class: `status s${status[0]}` }, status), `${answer.statusText} in ${took} ms`),
      h('p', { class: 'kind' }, told.map(([name, value]) => `${name}: ${value}`).join(' · ')), out)
    if (needsToken) known(answer.status !== 401)
    await follow(answer, out)
  } catch (error) {
    if (!stop.signal.aborted) result.replaceChildren(h('p', {}, `There was no answer: ${error.message}`))
  }
}

const input = (parameter) => {
  const { name, schema, example } = parameter
  const id = `${parameter.in}.${name}`
  const own = merged(schema)
  const placeholder = [example ?? own.default ?? ''].flat().join(',')
  return own.enum
    ? h('select', { name: id, 'aria-label': name }, ['', ...own.enum].map(word => h('option', {}, word)))
    : h('input', { name: id, 'aria-label': name, placeholder, spellcheck: 'false', autocomplete: 'off' })
}

const form = (path, method, operation, needsToken) => {
  const body = operation.requestBody?.content['application/json']
  const examples = examplesOf(body)
  const kinds = Object.keys(resolve(operation.responses[200] ?? {}).content ?? {})
  const area = body && h('textarea', { name: 'body', rows: 6, 'aria-label': 'Body', spellcheck: 'false' })
  const result = h('div', { class: 'result', 'aria-live': 'polite' })
  let stop
  const sending = h('button', { class: 'send' }, 'Send')
  const stopping = h('button', { type: 'button', disabled: true, click: () => stop?.abort() }, 'Stop')
  const command = h('pre', {})
  const row = (name, control) => h('div', { class: 'row' }, h('label', {}, name), control)
  const whole = h('form', {
    class: 'try',
    input: () => { command.textContent = curl(request(method, path, operation, whole), needsToken) },
    submit: async event => {
      event.preventDefault()
      stop = new AbortController();
      [sending.disabled, stopping.disabled] = [true, false]
      await send(request(method, path, operation, whole), needsToken, result, stop);
      [sending.disabled, stopping.disabled] = [false, true]
    }
  },
    h('h3', {}, 'Try it'),
    (operation.parameters ?? []).map(parameter => row(parameter.name, input(parameter))),
    kinds.length > 1 ? row('Accept', h('select', { name: 'accept', 'aria-label': 'Accept' }, kinds.map(kind => h('option', {}, kind)))) : null,
    examples.length > 1
      ? row('Example', h('select', {
        'aria-label': 'Example',
        change: event => { area.value = pretty(examples[event.target.selectedIndex][1]); whole.dispatchEvent(new Event('input')) }
      }, examples.map(([name]) => h('option', {}, name))))
      : null,
    area, h('div', { class: 'buttons' }, sending, stopping), result, more('As a command', command))
  if (examples.length) area.value = pretty(examples[0][1])
  whole.dispatchEvent(new Event('input'))
  return whole
}

const operationOf = (path, method, operation) => {
  const needsToken = (operation.security ?? api.security).length > 0
  const body = operation.requestBody?.content['application/json']
  // What is inside is made when it is opened first.
  const inside = h('div', { class: 'inside' })
  const fill = () => inside.childElementCount || inside.append(...[
    operation.description && prose(operation.description),
    operation.parameters && h('h3', {}, 'Parameters'),
    operation.parameters && h('ul', { class: 'fields' }, operation.parameters.map(({ name, schema, required, description }) =>
      field(name, schema, presence(true, required), true, [], description))),
    body && h('h3', {}, 'Body'),
    body && fields(body.schema, true),
    h('h3', {}, 'Answers'),
    ...Object.entries(operation.responses).sort().map(([status, told]) => response(status, told)),
    path.startsWith('/') && form(path, method, operation, needsToken)
  ].filter(Boolean))
  return h('details', { class: 'operation', id: operation.operationId, toggle: fill },
    h('summary', {}, h('span', { class: `method ${method}` }, method), h('span', { class: 'path' }, path),
      needsToken || !path.startsWith('/') ? null : h('span', { class: 'open' }, 'no token needed'), h('span', { class: 'about' }, operation.summary)),
    inside)
}

const open = () => {
  const target = byId(decodeURIComponent(location.hash.slice(1)))
  if (!target?.matches('.operation')) return
  target.open = true
  target.scrollIntoView()
  for (const link of byId('list').querySelectorAll('a')) link.classList.toggle('here', link.hash === location.hash)
  if (matchMedia('(max-width: 52rem)').matches) byId('menu').open = false
}

const known = good => {
  const state = byId('known')
  const given = byId('token').value.trim() !== ''
  state.className = good ? 'good' : 'bad'
  state.textContent = good ? 'it is valid' : given ? 'it is not valid' : 'it is needed'
}

const checkToken = async () => {
  const token = byId('token').value.trim()
  sessionStorage.setItem(KEY, token)
  byId('known').textContent = ''
  if (!token) return
  const answer = await fetch('/status', { headers: { Authorization: `Bearer ${token}` }, cache: 'no-store' }).catch(() => null)
  if (answer && byId('token').value.trim() === token) known(answer.status !== 401)
}

const show = () => {
  byId('version').textContent = api.info.version
  byId('introduction').append(prose(api.info.description),
    h('p', {}, h('a', { href: '/openapi.json' }, 'openapi.json'), ' is this page for programs.'))
  for (const { name, description } of api.tags) {
    const sent = Object.values(api.webhooks).map(methods => ['your address', methods])
    const all = [...Object.entries(api.paths), ...sent]
      .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => [path, method, operation]))
      .filter(([, , operation]) => operation.tags.includes(name))
      .sort(([onePath, oneMethod], [path, method]) => onePath.localeCompare(path) || METHODS.indexOf(oneMethod) - METHODS.indexOf(method))
    byId('operations').append(h('h2', {}, name), h('p', {}, description), ...all.map(one => operationOf(...one)))
    byId('list').append(h('div', {}, h('h2', {}, name), all.map(([path, method, operation]) =>
      h('a', { href: `#${operation.operationId}`, title: operation.summary, click: () => setTimeout(open) },
        h('span', { class: `method ${method}` }, method), h('span', { class: 'path' }, path)))))
  }
  byId('filter').addEventListener('input', event => {
    const words = event.target.value.toLowerCase()
    for (const link of byId('list').querySelectorAll('a')) {
      link.hidden = !`${link.textContent} ${link.title}`.toLowerCase().includes(words)
    }
  })
  open()
}

byId('token').value = sessionStorage.getItem(KEY) ?? ''
byId('token').addEventListener('change', checkToken)
byId('access').addEventListener('submit', event => { event.preventDefault(); checkToken() })
addEventListener('hashchange', open)
if (matchMedia('(max-width: 52rem)').matches) byId('menu').open = false
try {
  api = await (await fetch('/openapi.json')).json()
  show()
  checkToken()
} catch (error) {
  byId('introduction').append(h('p', {}, `The description can't be shown: ${error.message}`))
}
