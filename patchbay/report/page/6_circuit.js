// The circuit's graph: weak edges faded by a threshold, and the paths through a node followed.
for (const figure of document.querySelectorAll('figure[data-figure="circuit_graph"]')) {
  const edges = [...figure.querySelectorAll('.edge')];
  const nodes = [...figure.querySelectorAll('.graph-node')];
  const key = `threshold.${figure.dataset.table}`;
  const followKey = `follow.${figure.dataset.table}`;
  const slider = element('input', { type: 'range', min: '0', max: '100', step: '1' });
  const shown = element('output', { text: '' });
  figure.querySelector('.tools').append(element('label', { text: 'only edges of at least ' }, slider), shown);
  slider.addEventListener('input', () => change(key, slider.value === '0' ? null : slider.value));

  // The nodes that flow into this one, or that it flows into, and itself.
  function reached(svg, node, from, to) {
    const all = edges.filter((edge) => svg.contains(edge));
    const found = new Set([node]);
    for (let before = 0; before < found.size;) {
      before = found.size;
      for (const edge of all) if (found.has(edge.dataset[from])) found.add(edge.dataset[to]);
    }
    return found;
  }

  // Whether an edge is on a path through the node.
  function onPath(svg, node) {
    const above = reached(svg, node, 'from', 'to');
    const below = reached(svg, node, 'to', 'from');
    return (edge) => [above, below].some((side) => side.has(edge.dataset.from) && side.has(edge.dataset.to));
  }

  function show() {
    const least = Math.min(Math.max(Number(state.get(key) ?? 0) || 0, 0), 100);
    slider.value = least;
    shown.textContent = `${least} % of the largest`;
    for (const svg of figure.querySelectorAll('svg')) {
      const chosen = state.get(followKey);
      const isKept = nodes.some((node) => node.dataset.node === chosen) ? onPath(svg, chosen) : () => true;
      const alive = new Set(['logits']);
      for (const edge of edges.filter((one) => svg.contains(one))) {
        const off = Number(edge.dataset.share) < least || !isKept(edge);
        edge.classList.toggle('faded', off);
        if (!off) alive.add(edge.dataset.from).add(edge.dataset.to);
      }
      for (const node of nodes.filter((one) => svg.contains(one))) node.classList.toggle('faded', !alive.has(node.dataset.node));
    }
  }

  for (const node of nodes) {
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'button');
    const words = [...node.querySelectorAll('text')].map((text) => text.textContent);
    node.setAttribute('aria-label', `follow ${words.join(' ')}`);
    const act = () => change(followKey, state.get(followKey) === node.dataset.node ? null : node.dataset.node);
    node.addEventListener('click', act);
    node.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      act();
      if (node.dataset.head) change('head', node.dataset.head);
    });
  }
  follow(key, show);
  follow(followKey, show);
}
goTo(place);
