//! The parameters of a request. Reading one removes it; those left at the end are unknown.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// Stripe's limits for metadata: the number of keys, the length of a key, and the length of a value.
const MAX_METADATA: (usize, usize, usize) = (50, 40, 500);

/// The parameters of a request, or of one group in brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// The name before the brackets; empty at the top level.
    path: String,
    fields: Map<String, Value>,
}

impl Params {
    /// Parses a form or a query such as `a=1&b[c]=2&d[0]=3`.
    ///
    /// # Errors
    /// Fails if the text is not a form.
    pub fn parse(form: &str) -> Result<Self, Refusal> {
        let config = serde_qs::Config::new().max_depth(8).use_form_encoding(true);
        let fields = config.deserialize_str(form).map_err(|error| Refusal::bad_form(&error.to_string()))?;
        Ok(Self { path: String::new(), fields })
    }

    /// The parameters as JSON, for comparison.
    pub fn to_value(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// The full name of a field, with brackets as Stripe writes it.
    pub fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}[{field}]", self.path) }
    }

    /// Reads a text. An empty text counts as missing, as with Stripe.
    pub fn text(&mut self, field: &str) -> Result<Option<String>, Refusal> {
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(Refusal::bad_parameter(&self.name(field), "Invalid string")),
        }
    }

    /// Reads the new value of a text field; `null` for an empty text, which unsets the field.
    pub fn changed_text(&mut self, field: &str) -> Result<Option<Value>, Refusal> {
        let given = self.fields.contains_key(field);
        let text = self.text(field)?;
        Ok(given.then(|| text.map_or(Value::Null, Value::String)))
    }

    /// Reads a required text.
    pub fn need_text(&mut self, field: &str) -> Result<String, Refusal> {
        self.text(field)?.ok_or_else(|| Refusal::missing_parameter(&self.name(field)))
    }

    /// Reads a text that must be one of `words`.
    pub fn word(&mut self, field: &str, words: &[&str]) -> Result<Option<String>, Refusal> {
        let Some(word) = self.text(field)? else { return Ok(None) };
        if words.contains(&word.as_str()) {
            return Ok(Some(word));
        }
        let message = format!("Invalid {}: must be one of {}", self.name(field), words.join(", "));
        Err(Refusal::bad_parameter(&self.name(field), message))
    }

    /// Reads an integer.
    pub fn integer(&mut self, field: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Refusal::bad_integer(&self.name(field), &text))
    }

    /// Reads an integer that must be at least `least`.
    pub fn amount(&mut self, field: &str, least: i64) -> Result<Option<i64>, Refusal> {
        let name = self.name(field);
        match self.integer(field)? {
            Some(amount) if amount < least => {
                let message = format!("Invalid {name}: must be at least {least}");
                Err(Refusal::bad_parameter(&name, message))
            }
            amount => Ok(amount),
        }
    }

    /// Reads a required integer that must be at least `least`.
    pub fn need_amount(&mut self, field: &str, least: i64) -> Result<i64, Refusal> {
        self.amount(field, least)?.ok_or_else(|| Refusal::missing_parameter(&self.name(field)))
    }

    /// Reads the currency. The sandbox has a single balance, so it accepts a single currency.
    pub fn currency(&mut self, field: &str) -> Result<String, Refusal> {
        let currency = self.need_text(field)?.to_lowercase();
        if currency == "usd" {
            return Ok(currency);
        }
        let message = format!("Invalid currency: {currency}. The sandbox supports only usd");
        Err(Refusal::bad_parameter(&self.name(field), message))
    }

    /// Reads a boolean; false if it is missing.
    pub fn flag(&mut self, field: &str) -> Result<bool, Refusal> {
        Ok(self.word(field, &["true", "false"])?.is_some_and(|word| word == "true"))
    }

    /// Reads an HTTP or HTTPS URL. Another scheme, such as `javascript:`, could run a script on a page.
    pub fn url(&mut self, field: &str) -> Result<Option<String>, Refusal> {
        let Some(url) = self.text(field)? else { return Ok(None) };
        if reqwest::Url::parse(&url).is_ok_and(|url| ["http", "https"].contains(&url.scheme())) {
            return Ok(Some(url));
        }
        let refusal = Refusal::bad_parameter(&self.name(field), "Not a valid URL");
        Err(refusal.with("code", "url_invalid"))
    }

    /// Reads metadata: pairs of texts.
    pub fn metadata(&mut self, field: &str) -> Result<Value, Refusal> {
        self.changed_metadata(field, &Value::Null)
    }

    /// Reads changes of metadata: pairs of texts that replace those in `before`.
    pub fn changed_metadata(&mut self, field: &str, before: &Value) -> Result<Value, Refusal> {
        let name = self.name(field);
        let mut pairs = before.as_object().cloned().unwrap_or_default();
        for (key, value) in self.group(field)?.map(|group| group.fields).unwrap_or_default() {
            let Value::String(text) = &value else {
                return Err(Refusal::bad_parameter(&format!("{name}[{key}]"), "Invalid string"));
            };
            if key.len() > MAX_METADATA.1 || text.len() > MAX_METADATA.2 {
                let message = "Metadata keys have at most 40 characters, and values at most 500";
                return Err(Refusal::bad_parameter(&format!("{name}[{key}]"), message));
            }
            // An empty value unsets its key.
            if text.is_empty() {
                pairs.remove(&key);
            } else {
                pairs.insert(key, value);
            }
        }
        if pairs.len() > MAX_METADATA.0 {
            return Err(Refusal::bad_parameter(&name, "Metadata can have at most 50 keys"));
        }
        Ok(Value::Object(pairs))
    }

    /// Reads parameters that share a name, such as `created[gte]` and `created[lt]`.
    pub fn group(&mut self, field: &str) -> Result<Option<Self>, Refusal> {
        let path = self.name(field);
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self { path, fields })),
            Some(Value::String(empty)) if empty.is_empty() => Ok(None),
            Some(_) => Err(Refusal::bad_parameter(&path, "Invalid object")),
        }
    }

    /// Reads an array of groups, such as `line_items[0][quantity]`.
    pub fn groups(&mut self, field: &str) -> Result<Vec<Self>, Refusal> {
        let path = self.name(field);
        let Some(value) = self.fields.remove(field) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(Refusal::bad_parameter(&path, "Invalid array")) };
        let group = |(index, item)| {
            let path = format!("{path}[{index}]");
            match item {
                Value::Object(fields) => Ok(Self { path, fields }),
                _ => Err(Refusal::bad_parameter(&path, "Invalid object")),
            }
        };
        items.into_iter().enumerate().map(group).collect()
    }

    /// Reads an array of texts, such as `expand[]`.
    pub fn texts(&mut self, field: &str) -> Result<Vec<String>, Refusal> {
        let path = self.name(field);
        let text = |item| match item {
            Value::String(text) => Ok(text),
            _ => Err(Refusal::bad_parameter(&path, "Invalid array")),
        };
        match self.fields.remove(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.into_iter().map(text).collect(),
            Some(item) => Ok(vec![text(item)?]),
        }
    }

    /// Rejects the request if a parameter has not been read.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.fields.keys().next() {
            Some(field) => Err(Refusal::unknown_parameter(&self.name(field))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(form: &str) -> Params {
        Params::parse(form).unwrap()
    }

    fn param_of(refusal: Refusal) -> Value {
        refusal.error()["param"].clone()
    }

    #[test]
    fn nested_names_are_read_encoded_or_not() {
        for form in [
            "line_items[0][price_data][unit_amount]=500&metadata[user_id]=u+1&expand[]=a",
            "line_items%5B0%5D%5Bprice_data%5D%5Bunit_amount%5D=500&metadata%5Buser_id%5D=u%201&expand%5B0%5D=a",
        ] {
            let mut params = params(form);
            let mut item = params.groups("line_items").unwrap().remove(0);
            let mut price = item.group("price_data").unwrap().unwrap();
            assert_eq!(price.need_amount("unit_amount", 0).unwrap(), 500);
            assert_eq!(params.metadata("metadata").unwrap(), serde_json::json!({"user_id": "u 1"}));
            assert_eq!(params.texts("expand").unwrap(), ["a"]);
            params.finish().unwrap();
        }
    }

    #[test]
    fn an_unread_parameter_is_rejected_by_its_full_name() {
        let mut whole = params("amount=1&line_items[0][colour]=red");
        assert_eq!(whole.clone().groups("line_items").unwrap().len(), 1);
        let item = whole.groups("line_items").unwrap().remove(0);
        assert_eq!(param_of(item.finish().unwrap_err()), "line_items[0][colour]");
        assert_eq!(param_of(whole.finish().unwrap_err()), "amount");
    }

    #[test]
    fn an_invalid_value_is_rejected_with_the_parameters_name() {
        let check = |form: &str, read: fn(&mut Params) -> Option<Refusal>, param: &str| {
            let refusal = read(&mut params(form)).expect(form);
            assert!(!refusal.executed, "{form}");
            assert_eq!(param_of(refusal), param, "{form}");
        };
        check("amount=1.5", |p| p.integer("amount").err(), "amount");
        check("amount=", |p| p.need_amount("amount", 1).err(), "amount");
        check("amount=0", |p| p.need_amount("amount", 1).err(), "amount");
        check("amount[a]=0", |p| p.text("amount").err(), "amount");
        check("currency=eur", |p| p.currency("currency").err(), "currency");
        check("confirm=yes", |p| p.flag("confirm").err(), "confirm");
        check("success_url=javascript:alert(1)", |p| p.url("success_url").err(), "success_url");
        check("metadata[a][b]=c", |p| p.metadata("metadata").err(), "metadata[a]");
        check("metadata=c", |p| p.metadata("metadata").err(), "metadata");
    }
}
