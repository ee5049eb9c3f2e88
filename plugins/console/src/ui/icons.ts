// icons - line drawings on a square of 24, by the names that metadata may use.
// SPDX-License-Identifier: MIT

export const ICONS: Record<string, string> = {
  square: "M5 5h14v14H5z",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  magnet: "M6 4v8a6 6 0 0 0 12 0V4h-4v8a2 2 0 0 1-4 0V4zM6 8h4M14 8h4",
  building: "M5 21V4h10v17M15 9h4v12M3 21h18M8 8h4M8 12h4M8 16h4",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0" +
    "M16 4.5a3.5 3.5 0 0 1 0 6M17 14a6 6 0 0 1 4 6",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20.5a8 8 0 0 1 16 0",
  "id-card":
    "M3 5h18v14H3zM8 12.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5 16.5a3 3 0 0 1 6 0M14 9h4M14 13h4",
  "shopping-bag": "M5 8h14l1 12H4zM9 8V6a3 3 0 0 1 6 0v2",
  gift:
    "M4 11h16v10H4zM3 7h18v4H3zM12 7v14M12 7c-5 0-5-4-2.5-4S12 7 12 7z" +
    "M12 7c5 0 5-4 2.5-4S12 7 12 7z",
  package: "M4 7l8-4 8 4v10l-8 4-8-4zM4 7l8 4 8-4M12 11v10",
  ticket: "M3 8V5h18v3a3 3 0 0 0 0 6v5H3v-5a3 3 0 0 0 0-6zM14 5v3M14 11v2M14 16v3",
  award: "M12 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM9 13.5L7.5 21l4.5-2.5 4.5 2.5-1.5-7.5",
  inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1 2h4l1-2h5",
  book: "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v5M16 3v5",
  hand:
    "M7 12V6.5a1.5 1.5 0 0 1 3 0V11 4.5a1.5 1.5 0 0 1 3 0V11 5.5a1.5 1.5 0" +
    " 0 1 3 0V14c0 4-2 7-5.5 7S6 19 4 14.5c1.5-1 2.5 0 3 1z",
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.5l4.5 4.5L19 7.5",
  x: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  "plus-circle": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 8v8M8 12h8",
  "minus-circle": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12h8",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  send: "M3 11l18-8-7 18-3-8z",
  "git-merge":
    "M7 6v12M7 6a2 2 0 1 0 0-.1M7 18a2 2 0 1 0 0 .1M17 16a2 2 0 1 0 0 .1M7 8c0 5 4 6 8 7",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  columns: "M4 5h16v14H4zM10 5v14M15 5v14",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  board: "M4 5h4v14H4zM10 5h4v9h-4zM16 5h4v12h-4z",
  tree: "M5 4v14M5 8h6M5 18h6M14 6h6v4h-6zM14 16h6v4h-6z",
  timeline: "M4 4v16M7 6h8M10 12h9M8 18h6",
  more: "M4.5 12h1M11.5 12h1M18.5 12h1",
  menu: "M4 6h16M4 12h16M4 18h16",
  sun:
    "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2" +
    "M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19",
  moon: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
  globe: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
  settings:
    "M4 7h10M18 7h2M4 17h2M10 17h10M16 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" +
    "M8 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  shield: "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6z",
  plug: "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
  "log-out": "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
  "chevron-down": "M6 9l6 6 6-6",
  "chevron-up": "M6 15l6-6 6 6",
  "chevron-right": "M9 6l6 6-6 6",
  "chevron-left": "M15 6l-6 6 6 6",
  "first": "M18 6l-6 6 6 6M7 6v12",
  "last": "M6 6l6 6-6 6M17 6v12",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4 20h16",
  upload: "M12 16V4M7.5 8L12 3.5 16.5 8M4 20h16",
  refresh: "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
  star: "M12 4l2.5 5 5.5.8-4 4 1 5.5-5-2.7-5 2.7 1-5.5-4-4 5.5-.8z",
  phone: "M5 4h4l1.5 5L8 11c1 2.5 2.5 4 5 5l2-2.5 5 1.5v4c-9 2-17-6-15-15z",
  mail: "M3 6h18v13H3zM3 7l9 7 9-7",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  help:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z" +
    "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.300c-.7.4-1 .8-1 1.700M12 16.5h.01",
  chart: "M4 4v16h16M8 16v-4M12 16V8M16 16v-6",
  history: "M4 5v5h5M4.5 10a8 8 0 1 1-.5 4M12 8v4l3 2",
  save: "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
  megaphone: "M4 10v4h3l9 5V5L7 10zM19 9a4 4 0 0 1 0 6M8 14l1 6h2l-1-5",
  "alert-triangle": "M12 4l9 16H3zM12 10v4M12 17h.01",
  archive: "M4 4h16v5H4zM5 9v11h14V9M10 13h4",
  "arrow-right": "M5 12h14M13 6l6 6-6 6",
  "arrow-up": "M12 20V5M6 11l6-6 6 6",
  "bar-chart": "M6 20v-8M12 20V4M18 20v-5",
  bell: "M6 17v-6a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
  "book-open": "M12 6c-2-2-5-2-8-2v14c3 0 6 0 8 2 2-2 5-2 8-2V4c-3 0-6 0-8 2zM12 6v14",
  bookmark: "M6 4h12v17l-6-4-6 4z",
  box: "M4 7l8-4 8 4v10l-8 4-8-4zM4 7l8 4 8-4M12 11v10",
  "check-circle": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.5l2.5 2.5L16 9.5",
  "check-square": "M4 4h16v16H4zM8 12.5l2.5 2.5L16 9.5",
  contact: "M4 4h16v16H4zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM7.5 17a4.5 4.5 0 0 1 9 0",
  "corner-up-left": "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 6 6v5",
  crosshair: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 2v5M12 17v5M2 12h5M17 12h5",
  "dollar-sign": "M12 3v18M16.5 7.5C15 5.5 8 5.5 8 9s8.5 2.5 8.5 6-7.5 3.5-9 1",
  "edit-3": "M4 20l1-4L16 5l3 3L8 19zM12 20h8",
  eye: "M2.5 12C5 7.5 8.5 6 12 6s7 1.5 9.5 6c-2.5 4.5-6 6-9.5 6s-7-1.5-9.5-6z" +
    "M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  "file-plus": "M6 3h8l4 4v14H6zM14 3v4h4M12 11v6M9 14h6",
  "file-text": "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  flag: "M5 21V4h13l-3 4 3 4H5",
  gauge: "M4 18a9 9 0 1 1 16 0M12 14l4-5",
  "git-branch":
    "M7 4v16M7 4a2 2 0 1 0 0-.1M7 20a2 2 0 1 0 0 .1M17 8a2 2 0 1 0 0-.1M17 8c0 5-6 4-10 7",
  "git-commit": "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 12h6M16 12h6",
  hash: "M5 9h15M4 15h15M10 4L8 20M16 4l-2 16",
  "help-circle":
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z" +
    "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .8-1 1.7M12 16.5h.01",
  key: "M8 18a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 11l9-7M16 7l3 3",
  layers: "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5",
  "life-buoy":
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z" +
    "M6 6l3.5 3.5M14.5 14.5L18 18M18 6l-3.5 3.5M9.5 14.5L6 18",
  "log-in": "M14 4h5v16h-5M10 8l4 4-4 4M14 12H4",
  medal: "M12 21a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM8 10L5 3h5l2 4 2-4h5l-3 7",
  "message-circle": "M4 20l1.5-4.5A8 8 0 1 1 9 19z",
  "message-square": "M4 4h16v12H9l-5 4z",
  office: "M5 21V4h10v17M15 9h4v12M3 21h18M8 8h4M8 12h4M8 16h4",
  paperclip: "M19 11l-7.5 7.5a4.5 4.5 0 0 1-6.5-6.5L13 4.5a3 3 0 0 1 4.5 4.5L10 16",
  pause: "M8 5v14M16 5v14",
  "pen-tool": "M4 20l2-8 8-8 6 6-8 8zM4 20l7-7M12.5 11.5h.01",
  play: "M7 4l13 8-13 8z",
  receipt: "M5 3h14v18l-3-2-2 2-2-2-2 2-2-2-3 2zM9 8h6M9 12h6",
  "refresh-cw": "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
  repeat: "M4 12V9a3 3 0 0 1 3-3h13M17 3l3 3-3 3M20 12v3a3 3 0 0 1-3 3H4M7 21l-3-3 3-3",
  "rotate-ccw": "M4 11a8 8 0 1 1 2 6M4 5v6h6",
  share: "M12 15V4M8 7l4-4 4 4M5 12v8h14v-8",
  shuffle: "M3 7h4l9 10h5M3 17h4l3-3.5M13 10.5L16 7h5M18 4l3 3-3 3M18 14l3 3-3 3",
  slash: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM6 6l12 12",
  store: "M4 10v10h16V10M3 10l2-6h14l2 6zM10 20v-6h4v6",
  tag: "M4 4h8l8 8-8 8-8-8zM8 8h.01",
  target:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM12 12h.01",
  "thumbs-up": "M4 11h4v9H4zM8 11l4-8a2.5 2.5 0 0 1 2 3l-1 4h6l-1.5 10H8",
  timer: "M12 21a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 9v4M9 2h6",
  "trending-up": "M3 17l6-6 4 4 8-8M15 7h6v6",
  undo: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-4",
  unlock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.5-1.5",
  "user-check": "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2.5 20a7.5 7.5 0 0 1 15 0M16 10l2 2 4-4",
  "user-plus": "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2.5 20a7.5 7.5 0 0 1 15 0M19 8v6M16 11h6",
  users:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0" +
    "M16 4.5a3.5 3.5 0 0 1 0 6M17 14a6 6 0 0 1 4 6",
  waves: "M3 9c3-3 5 0 9-2s5-1 9-1M3 14c3-3 5 0 9-2s5-1 9-1M3 19c3-3 5 0 9-2s5-1 9-1",
  "x-octagon": "M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 9l6 6M15 9l-6 6",
  zap: "M13 3L5 14h6l-1 7 8-11h-6z",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v6M12 7.5h.01",
  "qr-code":
    "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 14h2v2h-2z" +
    "M16 16h2v2h-2zM14 18h2v2h-2zM18 18h2v2h-2z",
  "map-pin":
    "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  map: "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  print: "M7 9V4h10v5M5 9h14v8h-3M8 17H5M8 14h8v6H8z",
};
