import { Copy, MessageSquare, Mic, QrCode as QrIcon } from "lucide-preact";
import { useState } from "preact/hooks";
import type { ClinicView } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { CallClinic } from "../parts/call-clinic.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { QrCode } from "../parts/qr-code.tsx";

interface WaysProps {
  readonly clinic: ClinicView | null;
  readonly link: string;
  /** Sound only is not offered by a browser that can make no call. */
  readonly entering: { readonly audioOnly: (() => void) | null; readonly textOnly: () => void } | null;
  /** Something is wrong, so the ways on are open at once. */
  readonly open: boolean;
}

/** Nothing ends nowhere: sound only, no media, another device, a telephone. */
export function WaysOn({ clinic, link, entering, open }: WaysProps) {
  const said = words.value.ways;
  const [showsCode, setShowsCode] = useState(false);
  return (
    <details class="ways" open={open}>
      <summary>{said.title}</summary>
      <div class="ways-list">
        {entering && (
          <>
            {entering.audioOnly && (
              <Button action="enter-audio-only" icon={<Mic aria-hidden="true" />} onPress={entering.audioOnly}>
                {said.audioOnly}
              </Button>
            )}
            <Button action="enter-text-only" icon={<MessageSquare aria-hidden="true" />} onPress={entering.textOnly}>
              {said.textOnly}
              <small>{said.textOnlyHint}</small>
            </Button>
          </>
        )}
        <Button action="other-device" icon={<QrIcon aria-hidden="true" />} onPress={() => setShowsCode(true)}>
          {said.otherDevice}
        </Button>
        {clinic?.phone && <CallClinic action="call-clinic" phone={clinic.phone} />}
      </div>
      {showsCode && <OtherDevice link={link} onClose={() => setShowsCode(false)} />}
    </details>
  );
}

export function OtherDevice({ link, onClose }: { readonly link: string; readonly onClose: () => void }) {
  const said = words.value.ways;
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(link).then(
      () => setCopied(true),
      () => {},
    );
  };
  return (
    <Dialog name="other-device" title={said.otherDevice} onClose={onClose}>
      <QrCode link={link} label={said.otherDevice} />
      <p>{said.qrHint}</p>
      <Button action="copy-link" icon={<Copy aria-hidden="true" />} onPress={copy}>
        <span aria-live="polite">{copied ? said.copied : said.copy}</span>
      </Button>
    </Dialog>
  );
}
