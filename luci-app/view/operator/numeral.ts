// Whole numbers in words, in the languages of the pages: what stands there in letters is read, and not only clicked away.

type Speaker = (n: number) => string;

/** Words of a language, the first for 0. */
const words = (text: string): readonly string[] => text.split(' ');

const EN = words(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen',
);
const EN_TENS = words('twenty thirty forty fifty sixty seventy eighty ninety');
const DE = words(
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn',
);
const DE_TENS = words('zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig');
const ES = words('cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince');
const ES_TENS = words('dieci veinti treinta cuarenta cincuenta sesenta setenta ochenta noventa');
const ES_HUNDREDS = words(
  'ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos',
);

/** The words for a high part, and behind it those for the rest. */
function parts(n: number, by: number, high: Speaker, low: Speaker, between: string): string {
  const rest = n % by;
  return high(Math.floor(n / by)) + (rest === 0 ? '' : between + low(rest));
}

const english: Speaker = (n) => {
  if (n < 20) return EN[n]!;
  if (n < 100) return parts(n, 10, (t) => EN_TENS[t - 2]!, english, '-');
  if (n < 1000) return parts(n, 100, (h) => `${EN[h]} hundred`, english, ' and ');
  return parts(n, 1000, (t) => `${english(t)} thousand`, english, n % 1000 < 100 ? ' and ' : ' ');
};

/** Before another word the last "eins" loses its end. */
const germanBefore: Speaker = (n) => german(n).replace(/eins$/, 'ein');

const german: Speaker = (n) => {
  if (n < 20) return DE[n]!;
  if (n < 100) return (n % 10 === 0 ? '' : `${germanBefore(n % 10)}und`) + DE_TENS[Math.floor(n / 10) - 2];
  if (n < 1000) return parts(n, 100, (h) => `${germanBefore(h)}hundert`, german, '');
  return parts(n, 1000, (t) => `${germanBefore(t)}tausend`, german, '');
};

const spanish: Speaker = (n) => {
  if (n < 16) return ES[n]!;
  if (n === 20) return 'veinte';
  // in one word, whose last syllable is stressed
  if (n < 30)
    return (ES_TENS[Math.floor(n / 10) - 1]! + ES[n % 10]).replace(/i(dos|tres|seis)$/, (end) =>
      end.replace('o', 'ó').replace('e', 'é'),
    );
  if (n < 100) return parts(n, 10, (t) => ES_TENS[t - 1]!, spanish, ' y ');
  if (n === 100) return 'cien';
  if (n < 1000) return parts(n, 100, (h) => ES_HUNDREDS[h - 1]!, spanish, ' ');
  return parts(n, 1000, (t) => (t === 1 ? 'mil' : `${spanishBefore(t)} mil`), spanish, ' ');
};

/** Before another word the last "uno" loses its end. */
const spanishBefore: Speaker = (n) =>
  spanish(n)
    .replace(/veintiuno$/, 'veintiún')
    .replace(/uno$/, 'un');

const SPEAKERS: Readonly<Record<string, Speaker>> = { de: german, es: spanish };

/** A number below a million as it is read, in a language of the pages, else in English. */
export function inWords(n: number, language: string): string {
  return (SPEAKERS[language.slice(0, 2)] ?? english)(n);
}
