import { LANGUAGES, language, setLanguage } from "../language.ts";
import { en } from "../words/en.ts";
import { ru } from "../words/ru.ts";

const NAMES = { ru: ru.language, en: en.language };

export function LanguageSwitch() {
  return (
    <div class="language-switch" role="group" aria-label="Язык · Language">
      {LANGUAGES.map((one) => (
        <button
          key={one}
          type="button"
          lang={one}
          data-action={`language-${one}`}
          aria-pressed={language.value === one}
          onClick={() => setLanguage(one)}
        >
          {NAMES[one]}
        </button>
      ))}
    </div>
  );
}
