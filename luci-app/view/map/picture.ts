// The graph as a picture, its elements kept by key and moved. Names keep their size: the larger the picture, the more have room.
//
// It is zoomed by being made larger in a box that scrolls, so fingers, wheels and the focus move it as they move anything; two fingers, or a wheel with the control key, zoom the whole page as everywhere. Shapes and
// colours are the style sheet's.

import { join } from '../part/join.ts';
import { Keyed, setContent } from '../part/keyed.ts';
import { svg } from '../part/svg.ts';
import type { Graph, MapLink, MapNode } from './graph.ts';
import { place, type Spot } from './layout.ts';
import { describeNode, isFar } from './word.ts';

export interface Picture {
  root: HTMLElement;
  /** Makes it so many times as large, with the selected node in the middle; at the least, all of it is seen. */
  zoom(by: number): void;
  /** Shows this graph, and one of its nodes as the selected one. */
  update(graph: Graph, nameOf: (node: MapNode) => string, selected: MapNode): void;
}

/** Of states of a peering, and of this node. */
const SIGNS: Record<string, string> = { up: '✓', unproven: '!', down: '×', self: '⌂' };
/** Pixels: of a character, half a line, the border that stays free. */
const CHAR = 7.6;
const HALF = 8;
const BORDER = 28;
const MAX_ZOOM = 12;
/** Pixels for one of the layout, where all fits anyhow. */
const FIT_SCALE = 1.4;

function put(element: Element, attributes: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

function range(numbers: readonly number[]): [width: number, middle: number] {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return [most - least, (most + least) / 2];
}

/** Makes a picture. @param choose is told whom somebody points at. */
export function makePicture(label: string, choose: (key: string) => void): Picture {
  const [wires, dots] = [svg('g'), svg('g')];
  const picture = svg('svg', { role: 'listbox', 'aria-label': label }, [wires, dots]);
  const root = E('div', { class: 'mb-map' }, [picture]);

  let graph: Graph | undefined;
  let nameOf: (node: MapNode) => string;
  let selected: MapNode;
  let zoomed = 1;
  // of what is drawn: where nodes are, what names must not cover, and pixels
  let spots: ReadonlyMap<MapNode, Spot> = new Map();
  let taken: (readonly [left: number, top: number, right: number, bottom: number])[];
  let [width, height, size] = [0, 0, 0];

  const nodes = new Keyed<{ root: SVGElement; sign: SVGElement; text: SVGElement }, MapNode>(
    dots,
    (key) => {
      const [sign, text] = [svg('text'), svg('text')];
      const group = svg('g', { role: 'option' }, [svg('circle'), svg('rect'), sign, text]);
      group.addEventListener('click', () => choose(key));
      return { root: group, sign, text };
    },
    ({ root: group, sign, text }, node) => {
      const { hops, own } = node;
      const [x, y] = spots.get(node)!;
      const [name, isSelected] = [nameOf(node), node === selected];
      const kind = join([hops === 0 && 'self', node === node.parent && 'root']);
      const { state = '' } = own ?? {};
      put(group, {
        class: `mb-node ${kind} ${state}`,
        'aria-label': `${name}, ${describeNode(node)}`,
        'aria-selected': isSelected,
        tabindex: isSelected ? 0 : -1,
        transform: `translate(${x} ${y})`,
      });
      setContent(sign, SIGNS[hops === 0 ? 'self' : state] ?? '');

      const wide = name.length * CHAR;
      const away = size * (kind ? 1.5 : 1) + 4;
      const out = x < width / 2 ? -1 : 1;
      // on the first side on which there is room
      const [side, drop] =
        [
          [out, 0],
          [-out, 0],
          [0, 1],
          [0, -1],
        ].find(([dx, dy]) => {
          const left = x + dx! * away + ((dx! - 1) * wide) / 2;
          const top = y + dy! * (away + HALF) - HALF;
          const [right, bottom] = [left + wide, top + 2 * HALF];
          return (
            Math.min(left, top, width - right, height - bottom) > 0 &&
            !taken.some(([l, t, r, b]) => l < right && left < r && t < bottom && top < b) &&
            taken.push([left, top, right, bottom])
          );
        }) ?? [];
      setContent(text, drop === undefined ? '' : name);
      if (drop !== undefined)
        put(text, {
          'text-anchor': ['end', 'middle', 'start'][side! + 1],
          x: side! * away,
          y: drop * (away + HALF) + 4,
        });
    },
  );

  const lineOf = ({ a, b, own }: MapLink): string => {
    const [[x, y], [toX, toY]] = [spots.get(a)!, spots.get(b)!];
    const bend = own && isFar(own) ? `Q${(x + toX) / 2 + (y - toY) / 6} ${(y + toY) / 2 + (toX - x) / 6} ` : 'L';
    return `M${x} ${y}${bend}${toX} ${toY}`;
  };
  // all that look the same in one element
  const links = new Keyed<{ root: SVGElement }, string>(
    wires,
    (look) => ({ root: svg('path', { class: look }) }),
    ({ root: wire }, d) => put(wire, { d }),
  );

  const draw = (): void => {
    const { clientWidth, clientHeight } = root;
    if (!graph || !clientWidth) return;
    const places = place(graph.nodes);
    const [wide, middleX] = range([...places.values()].map(([x]) => x));
    const [high, middleY] = range([...places.values()].map(([, y]) => y));
    const fit = Math.min((clientWidth - 2 * BORDER) / wide, (clientHeight - 2 * BORDER) / high, FIT_SCALE);
    const scale = fit * zoomed;
    width = Math.max(clientWidth, wide * scale + 2 * BORDER);
    height = Math.max(clientHeight, high * scale + 2 * BORDER);
    size = Math.max(4, Math.min(9, 9 * scale));
    put(picture, { width, height, style: `--mb-r:${size}px` });
    const onScreen = ([x, y]: Spot): Spot => [
      Math.round(width / 2 + (x - middleX) * scale),
      Math.round(height / 2 + (y - middleY) * scale),
    ];
    spots = new Map([...places].map(([node, spot]) => [node, onScreen(spot)]));
    taken = [...spots.values()].map(([x, y]) => [x - size, y - size, x + size, y + size]);
    const lines = new Map([['mb-way', '']]);
    for (const link of graph.links) {
      const { own, isTree, isWay } = link;
      const ms = own?.latency_ms ?? 50;
      const speed = ms < 20 ? 'fast' : ms < 80 ? '' : 'slow';
      const looks = [own ? `mb-wire own ${own.state} ${speed}` : isTree ? 'mb-wire tree' : 'mb-wire'];
      if (isWay) looks.push('mb-way');
      for (const look of looks) lines.set(look, (lines.get(look) ?? '') + lineOf(link));
    }
    links.update(lines);
    nodes.update(new Map([...places.keys()].map((node) => [node.key, node])));
  };
  const zoom = (by: number): void => {
    zoomed = Math.max(1, Math.min(MAX_ZOOM, zoomed * by));
    draw();
    const [x, y] = spots.get(selected) ?? [0, 0];
    root.scrollTo(x - root.clientWidth / 2, y - root.clientHeight / 2);
  };
  new ResizeObserver(() => zoom(1)).observe(root);

  root.addEventListener('pointermove', ({ buttons, pointerType, movementX, movementY }) => {
    if (buttons && pointerType === 'mouse') root.scrollBy(-movementX, -movementY);
  });
  // around each ring, from the inner to the outer ones
  picture.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const keys = [...nodes.made.keys()];
    const next = keys[keys.indexOf(selected.key) + (step ?? Number.NaN)];
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    nodes.made.get(next)?.root.focus();
  });

  return {
    root,
    zoom,
    update(...given) {
      [graph, nameOf, selected] = given;
      draw();
    },
  };
}
