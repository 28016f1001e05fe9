// The start page: asks /_local every two seconds and shows what it says.
const $ = (selector) => document.querySelector(selector);
const cell = (text, className) => Object.assign(document.createElement('td'), { textContent: text ?? '', className: className ?? '' });
const get = (path) => fetch(path).then((answer) => answer.json());

async function showInfo() {
  const info = await get('/_local/info');
  $('#info').replaceChildren(...Object.entries(info).flatMap(([name, value]) => [
    Object.assign(document.createElement('dt'), { textContent: name }),
    Object.assign(document.createElement('dd'), { textContent: value }),
  ]));
}

async function showQueues() {
  const { items } = await get('/_local/queues');
  $('#queues tbody').replaceChildren(...items.map((queue) => {
    const row = document.createElement('tr');
    const dead = queue.dlq ? queue.dlq.visible : 0;
    row.append(cell(queue.name), cell(queue.visible), cell(queue.in_flight), cell(queue.delayed), cell(dead, dead ? 'bad' : ''));
    const action = cell('');
    if (dead) {
      const button = Object.assign(document.createElement('button'), { textContent: 'Redrive' });
      button.onclick = () => fetch(`/_local/queues/${queue.name}/redrive`, { method: 'POST' }).then(showQueues);
      action.append(button);
    }
    row.append(action);
    return row;
  }));
}

let mailsShown = '';
async function showMails() {
  const { items } = await get('/_local/mails');
  const ids = items.map((mail) => mail.id).join();
  if (ids === mailsShown) return;
  mailsShown = ids;
  $('#mails').replaceChildren(...(items.length ? items.slice(0, 30).map((mail) => {
    const details = document.createElement('details');
    const summary = Object.assign(document.createElement('summary'), { textContent: `${mail.created_at} · ${[].concat(mail.to).join(', ')} · ${mail.subject}` });
    details.append(summary, Object.assign(document.createElement('pre'), { textContent: mail.text }));
    return details;
  }) : [document.createTextNode('No mail was sent yet.')]));
}

async function showLogs() {
  const { items } = await get('/_local/logs?limit=30');
  $('#logs tbody').replaceChildren(...items.reverse().map((line) => {
    const row = document.createElement('tr');
    const result = line.status ?? (line.Errors ? 'failed' : 'ok');
    row.append(cell(line.timestamp), cell(line.service), cell(line.path ?? line.action), cell(`${result} ${line.error_code ?? ''}`, line.level === 'ERROR' ? 'bad' : ''), cell(line.duration_ms), cell(line.AwsCalls));
    return row;
  }));
}

const refresh = () => Promise.allSettled([showInfo(), showQueues(), showMails(), showLogs()]);
refresh();
setInterval(refresh, 2000);
