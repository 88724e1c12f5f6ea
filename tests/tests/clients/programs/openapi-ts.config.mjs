// Node.js runs the generated files as they are, and so needs their names in full in imports.
export default { input: "openapi.json", output: { path: "hey", module: { extension: ".ts" } } };
