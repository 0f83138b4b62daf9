/* The card field in a frame of the shop's checkout. What is typed goes from here to the provider and nowhere else: the
 * shop's page is told whether it is complete, and in the end the payment method's name.
 *
 * It posts ready, resize {height}, change {complete, error}, submit (Enter was pressed), payment_method {id} and
 * error {message, field} to the page around it, and does what that page's {type: "submit"} asks for. Both ways only
 * between this frame and the one origin that its address names. */
(function () {
  "use strict";

  var form = document.querySelector("form");
  var shop = form.dataset.origin;
  var host = window.parent;
  var fields = {};
  var busy = false;
  var told = "";

  var BRANDS = [
    { name: "American Express", starts: /^3[47]/, lengths: [15], groups: [4, 6, 5], code: 4 },
    { name: "Diners Club", starts: /^3(0[0-5]|[689])/, lengths: [14, 16, 19], groups: [4, 6, 4, 5], code: 3 },
    { name: "JCB", starts: /^35(2[89]|[3-8])/, lengths: [16, 19], groups: [4, 4, 4, 4, 3], code: 3 },
    { name: "Mastercard", starts: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16], groups: [4, 4, 4, 4], code: 3 },
    { name: "Discover", starts: /^6(011|4[4-9]|5)/, lengths: [16, 19], groups: [4, 4, 4, 4, 3], code: 3 },
    { name: "UnionPay", starts: /^62/, lengths: [16, 17, 18, 19], groups: [4, 4, 4, 4, 3], code: 3 },
    { name: "Visa", starts: /^4/, lengths: [16], groups: [4, 4, 4, 4], code: 3 },
  ];
  var UNKNOWN = { name: "", lengths: [12, 13, 14, 15, 16, 17, 18, 19], groups: [4, 4, 4, 4, 3], code: 4 };

  function say(message) {
    host.postMessage(message, shop);
  }

  function digits(text) {
    return text.replace(/\D/g, "");
  }

  function brandOf(number) {
    for (var i = 0; i < BRANDS.length; i++) if (BRANDS[i].starts.test(number)) return BRANDS[i];
    return UNKNOWN;
  }

  function longest(brand) {
    return brand.lengths[brand.lengths.length - 1];
  }

  /* Luhn's check digit. */
  function isChecked(number) {
    var sum = 0;
    for (var i = 0; i < number.length; i++) {
      var digit = Number(number[number.length - 1 - i]);
      if (i % 2) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
      sum += digit;
    }
    return sum % 10 === 0;
  }

  /* -- What is typed, as it is shown ------------------------------------------------------------------------------- */

  function grouped(number) {
    var parts = [];
    var at = 0;
    brandOf(number).groups.forEach(function (size) {
      if (at < number.length) parts.push(number.slice(at, at + size));
      at += size;
    });
    return parts.join(" ");
  }

  function dated(text, typed) {
    if (text.length === 1 && text > "1") text = "0" + text;
    if (text.length === 2 && typed.indexOf("/") > 0) return text + " / ";
    return text.length > 2 ? text.slice(0, 2) + " / " + text.slice(2) : text;
  }

  /* A year of four digits, as browsers fill it in, is the one of its last two. */
  function shortened(typed) {
    var parts = typed.split("/");
    if (parts.length === 2 && digits(parts[0]).length === 1) parts[0] = "0" + digits(parts[0]);
    var text = digits(parts.join(""));
    return text.length === 6 ? text.slice(0, 2) + text.slice(4) : text.slice(0, 4);
  }

  /* Puts the caret behind as many digits as were before it. */
  function show(input, text) {
    if (input.value === text) return;
    var before = digits(input.value.slice(0, input.selectionStart)).length;
    var atEnd = input.selectionStart === input.value.length;
    var place = text.length;
    input.value = text;
    if (atEnd) return;
    for (place = 0; place < text.length && before > 0; place++) if (/\d/.test(text[place])) before--;
    input.setSelectionRange(place, place);
  }

  /* -- What is wrong with it: "" nothing; missing says that it is not all there yet -------------------------------- */

  var RULES = {
    number: function (text) {
      var number = digits(text);
      var brand = brandOf(number);
      if (brand.lengths.indexOf(number.length) < 0)
        return { missing: number.length < longest(brand), message: number ? "Your card number is incomplete." : "Enter your card number." };
      return isChecked(number) ? null : { missing: number.length < longest(brand), message: "Your card number is not valid. Check its digits." };
    },
    expiry: function (text) {
      var parts = digits(text);
      var now = new Date();
      var year = 2000 + Number(parts.slice(2));
      var month = Number(parts.slice(0, 2));
      if (parts.length >= 2 && (month < 1 || month > 12)) return { missing: false, message: "There is no such month. Enter it as MM / YY." };
      if (parts.length < 4) return { missing: true, message: parts ? "The expiry date is incomplete." : "Enter the expiry date." };
      if (year < now.getFullYear() || (year === now.getFullYear() && month <= now.getMonth()))
        return { missing: false, message: "Your card has expired." };
      return year > now.getFullYear() + 50 ? { missing: false, message: "That year is too far away." } : null;
    },
    cvc: function (text) {
      var brand = brandOf(digits(fields.number.input.value));
      var length = digits(text).length;
      if (brand === UNKNOWN ? length === 3 || length === 4 : length === brand.code) return null;
      return { missing: length < brand.code, message: length ? "The security code is incomplete." : "Enter the security code." };
    },
  };

  function fault(name) {
    return RULES[name](fields[name].input.value);
  }

  function showError(name, message) {
    var field = fields[name];
    if (field.error.textContent !== message) field.error.textContent = message;
    if (message) field.input.setAttribute("aria-invalid", "true");
    else field.input.removeAttribute("aria-invalid");
  }

  function each(run) {
    ["number", "expiry", "cvc"].forEach(run);
  }

  function tellChange() {
    var complete = true;
    var error = null;
    each(function (name) {
      complete = complete && !fault(name) && !fields[name].error.textContent;
      error = error || fields[name].error.textContent || null;
    });
    var change = { type: "change", complete: complete, error: error };
    if (JSON.stringify(change) === told) return;
    told = JSON.stringify(change);
    say(change);
  }

  /* While it is typed only what cannot become right any more is an error; once it is left, what is missing is one too. */
  function check(name, left) {
    var found = fault(name);
    showError(name, found && (left ? fields[name].input.value !== "" : !found.missing) ? found.message : "");
  }

  function typed(name) {
    var input = fields[name].input;
    if (name === "number") {
      var number = digits(input.value);
      show(input, grouped(number.slice(0, longest(brandOf(number)))));
      document.getElementById("brand").textContent = brandOf(number).name;
      if (fields.cvc.input.value) check("cvc", true);
    } else if (name === "expiry") {
      var removed = input.value.length < fields.expiry.last.length;
      show(input, removed ? input.value.replace(/[\s/]+$/, "") : dated(shortened(input.value), input.value));
      fields.expiry.last = input.value;
    } else {
      show(input, digits(input.value).slice(0, 4));
    }
    document.getElementById("form-error").textContent = "";
    check(name, false);
    tellChange();
  }

  /* -- Asking the provider ----------------------------------------------------------------------------------------- */

  var FIELD_OF = { number: "number", exp_month: "expiry", exp_year: "expiry", cvc: "cvc" };

  function refuse(message, name) {
    if (name) {
      showError(name, message);
      fields[name].input.focus();
    } else {
      document.getElementById("form-error").textContent = message;
    }
    tellChange();
    say({ type: "error", message: message, field: name || null });
  }

  function answered(body) {
    if (body.id) say({ type: "payment_method", id: body.id });
    else refuse((body.error && body.error.message) || "Your card was not accepted.", FIELD_OF[body.error && body.error.param]);
  }

  function card() {
    var expiry = digits(fields.expiry.input.value);
    return new URLSearchParams({
      type: "card",
      "card[number]": digits(fields.number.input.value),
      "card[exp_month]": String(Number(expiry.slice(0, 2))),
      "card[exp_year]": String(2000 + Number(expiry.slice(2))),
      "card[cvc]": digits(fields.cvc.input.value),
    });
  }

  function submit() {
    var wrong = null;
    if (busy) return;
    each(function (name) {
      var found = fault(name);
      if (!found) return;
      showError(name, found.message);
      wrong = wrong || { name: name, message: found.message };
    });
    if (wrong) {
      refuse(wrong.message, wrong.name);
      return;
    }
    busy = true;
    fetch("/v1/payment_methods", {
      method: "POST",
      headers: { Authorization: "Bearer " + form.dataset.key },
      body: card(),
    })
      .then(function (answer) {
        return answer.json();
      })
      .then(answered)
      .catch(function () {
        refuse("The payment provider cannot be reached. Nothing was charged. Try again.", null);
      })
      .then(function () {
        busy = false;
      });
  }

  /* -- The page around it ------------------------------------------------------------------------------------------ */

  if (host === window) return;
  each(function (name) {
    var input = document.getElementById(name);
    fields[name] = { input: input, error: document.getElementById(name + "-error"), last: "" };
    input.addEventListener("input", function () {
      typed(name);
    });
    input.addEventListener("blur", function () {
      check(name, true);
      tellChange();
    });
  });
  form.addEventListener("keydown", function (event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    say({ type: "submit" });
  });
  window.addEventListener("message", function (event) {
    if (event.origin === shop && event.source === host && event.data && event.data.type === "submit") submit();
  });
  new ResizeObserver(function () {
    say({ type: "resize", height: Math.ceil(document.body.getBoundingClientRect().height) });
  }).observe(document.body);
  say({ type: "ready" });
})();
