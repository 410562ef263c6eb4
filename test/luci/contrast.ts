// A program for the browser: the texts of a page that stand out too little from what lies behind them (WCAG 2.1, 1.4.3: 4.5 to 1).

/** Evaluates to lines `<ratio> <text>`. A background that nothing paints is the theme's canvas. */
export const WEAK_TEXTS = `(() => {
  const channels = (colour) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (channels(colour)[3] === 255) return colour;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(18, 18, 18)' : 'white';
  };
  const weak = [];
  const texts = document.createTreeWalker(document.querySelector('.mb-page'), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (!text || !element.checkVisibility() || element.tagName === 'STYLE') continue;
    // the colours of LuCI's buttons are its theme's
    if (element.closest('button') && document.querySelector('link[href*="/bootstrap/"]')) continue;
    const lights = [getComputedStyle(element).color, behind(element)].map(luminance).sort((a, b) => b - a);
    const ratio = (lights[0] + 0.05) / (lights[1] + 0.05);
    if (ratio < 4.5) weak.push(ratio.toFixed(2) + ' ' + text);
  }
  return weak;
})()`;
