// Passkeys: asks the browser for one and puts it into a form, which is then sent as any other.
"use strict";
(() => {
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0));
  const text = buffer => {
    const letters = Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join("");
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const listed = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }));

  const create = async options => {
    const publicKey = options.publicKey;
    publicKey.challenge = bytes(publicKey.challenge);
    publicKey.user.id = bytes(publicKey.user.id);
    publicKey.excludeCredentials = listed(publicKey.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey });
    const response = {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
      transports: made.response.getTransports ? made.response.getTransports() : [],
    };
    return { id: made.id, rawId: text(made.rawId), type: made.type, response };
  };

  const get = async options => {
    const publicKey = options.publicKey;
    publicKey.challenge = bytes(publicKey.challenge);
    publicKey.allowCredentials = listed(publicKey.allowCredentials);
    const shown = await navigator.credentials.get({ publicKey });
    const response = {
      authenticatorData: text(shown.response.authenticatorData),
      clientDataJSON: text(shown.response.clientDataJSON),
      signature: text(shown.response.signature),
      userHandle: shown.response.userHandle ? text(shown.response.userHandle) : null,
    };
    return { id: shown.id, rawId: text(shown.rawId), type: shown.type, response };
  };

  // What the browser's own names mean to a person (Web Authentication Level 3 sections 5.1.3 and 5.1.4).
  const words = error => {
    switch (error.name) {
      case "NotAllowedError": return "No passkey was given: it was cancelled, it took too long, or there is none here. Try again.";
      case "InvalidStateError": return "This device has a passkey for you already. Use it, or take another device.";
      case "NotSupportedError": return "This device makes no passkeys of a kind that is taken here. Take another device.";
      case "SecurityError": return "Passkeys do not work at this address.";
      default: return error.told || "The passkey could not be read. Load the page anew and try again.";
    }
  };

  const ask = async form => {
    const answer = await fetch(form.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const kind = answer.headers.get("content-type") || "";
    const said = kind.startsWith("application/json") ? await answer.json() : {};
    if (!said.publicKey) throw { told: said.fault };
    return form.dataset.passkey === "create" ? create(said) : get(said);
  };

  const send = async event => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    const alert = form.querySelector("[role=alert]");
    if (button.disabled) return;
    button.disabled = true;
    alert.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await ask(form));
      form.submit();
    } catch (error) {
      alert.textContent = words(error);
      alert.hidden = false;
      button.disabled = false;
      button.focus();
    }
  };

  for (const place of document.querySelectorAll("[data-passkeys]")) {
    const is_here = place.dataset.passkeys === location.origin;
    const is_able = is_here && window.PublicKeyCredential && navigator.credentials;
    const shown = is_able ? "form" : is_here ? "[data-unable]" : "[data-elsewhere]";
    for (const found of place.querySelectorAll(shown)) {
      found.hidden = false;
      found.addEventListener("submit", send);
      found.querySelector("[data-first]")?.focus();
    }
  }
})();
