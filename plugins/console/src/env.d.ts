// env - what the compiler has to be told of files that are no TypeScript.
// SPDX-License-Identifier: MIT
declare module "*.css";
