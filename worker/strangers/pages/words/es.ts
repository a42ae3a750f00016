import type { Words } from './words.ts';

export const es: Words = {
  title: 'Un repetidor para chatear',
  intro:
    'Esto es un repetidor: pasa mensajes cifrados a un servicio de chat, para quienes lo tienen bloqueado en su red. Lo mantiene una persona voluntaria, sin costo para ti, con el programa libre Puente. El repetidor no puede leer los mensajes, y no guarda ningún registro de quién lo usa.',
  languages: 'Idiomas',

  link: {
    heading: 'El enlace',
    link: 'Para una aplicación que entienda Puente. El enlace contiene la clave del repetidor: gracias a ella la aplicación sabe que nadie se hace pasar por él.',
    address: 'La dirección sola, para una aplicación que no pida más. Si puedes, usa el enlace.',
    copyLink: 'Copiar el enlace',
    copyAddress: 'Copiar la dirección',
    qrTitle: 'Código QR',
    qr: 'El enlace como código QR, para escanearlo con otro dispositivo.',
  },

  check: {
    heading: '¿Funciona aquí?',
    asks: 'La comprobación recorre todo el camino desde este navegador: hasta el repetidor y, a través de él, hasta el servicio de chat, que tiene que responder él mismo. No inicia sesión en ninguna parte. Pregunta a',
    asksRelay:
      'La comprobación va de este navegador al repetidor, y envía 64 KiB de ida y vuelta. No prueba el servicio de chat: en la lista de este repetidor no hay ninguno que responda a cualquiera.',
    start: 'Comprobar ahora',
    needsScript: 'La comprobación necesita JavaScript. Todo lo demás de esta página funciona sin él.',
    stages: {
      hello: 'Este navegador llega al repetidor',
      grant: 'El repetidor lo deja entrar',
      backend: 'El repetidor llega al servicio de chat',
      answer: 'El servicio de chat responde',
      bulk: '64 KiB van y vuelven',
    },
    running: 'Comprobando. Tarda uno o dos segundos, y hasta un minuto si algo va mal.',
    works: 'Funciona. La respuesta del servicio de chat llegó en {time}.',
    reached: 'El repetidor funciona. Su respuesta llegó en {time}.',
    remarks: {
      limited: {
        says: 'No se probó si la red deja pasar muchos datos: el repetidor lo permite una vez por minuto.',
        next: 'Para probar también eso, comprueba otra vez dentro de un minuto.',
      },
      version: {
        says: 'No se probó si la red deja pasar muchos datos: la versión del repetidor no lo permite.',
        next: 'Vuelve a cargar esta página.',
      },
    },
    failed: 'No funciona:',
    states: { ok: 'hecho', failed: 'falló' },
    broken: 'La comprobación se detuvo. Vuelve a cargar esta página o prueba con un navegador más nuevo.',
    copied: 'Copiado.',
  },

  failures: {
    unreachable: {
      says: 'No se pudo llegar al repetidor.',
      next: 'Mira si se abren otros sitios web. Si se abren, parece que esta red bloquea el repetidor: prueba otra dirección.',
    },
    timeout: { says: 'El repetidor no concedió una sesión a tiempo.', next: 'Prueba otro repetidor.' },
    'carrier-lost': {
      says: 'Se perdió la conexión con el repetidor.',
      next: 'Inténtalo otra vez; si sigue igual, prueba otro repetidor.',
    },
    'bad-grant': {
      says: 'Quien tiene la clave de este repetidor no podría dar esta respuesta.',
      next: 'No uses esta dirección: alguien responde en lugar del repetidor.',
    },
    'wrong-key': {
      says: 'El repetidor tiene una clave distinta de la de este enlace.',
      next: 'Vuelve a cargar esta página y usa el enlace que muestre entonces.',
    },
    frozen: {
      says: 'La red detiene cada conexión con el repetidor cuando ya han pasado unos pocos datos.',
      next: 'Puente pasa antes a otra conexión: el chat funciona, las fotos van lentas. Otra dirección puede ser más rápida.',
    },
    idle: {
      says: 'La comprobación tardó demasiado: por esta red pasan muy pocos datos.',
      next: 'Inténtalo otra vez, o prueba otra red.',
    },
    version: {
      says: 'El repetidor no habla esta versión del protocolo.',
      next: 'Vuelve a cargar esta página.',
    },
    full: { says: 'En el repetidor no cabe otra sesión.', next: 'Prueba otro repetidor.' },
    limited: {
      says: 'En el último minuto hubo demasiados intentos, o demasiados fallos, desde aquí.',
      next: 'Inténtalo otra vez dentro de un minuto.',
    },
    'session-unknown': { says: 'El repetidor ya no tiene esta sesión.', next: 'Inténtalo otra vez.' },
    'backend-not-allowed': {
      says: 'El repetidor no lleva conexiones a este servicio de chat.',
      next: 'Vuelve a cargar esta página, o usa un repetidor que sea para este servicio.',
    },
    'backend-down': {
      says: 'El repetidor funciona, pero no logra conectarse con el servicio de chat.',
      next: 'Inténtalo otra vez dentro de un minuto, y después con otro repetidor: el servicio puede estar caído, o rechazar este repetidor.',
    },
    'backend-silent': {
      says: 'El servicio de chat aceptó la conexión y no respondió nada.',
      next: 'Inténtalo otra vez dentro de un minuto, y después con otro repetidor: el servicio puede estar caído, o ignorar este repetidor.',
    },
    'backend-strange': {
      says: 'Lo que responde en lugar del servicio de chat no habla su idioma.',
      next: 'Avisa a quien mantiene el repetidor.',
    },
    'backend-reset': { says: 'El servicio de chat cortó la conexión.', next: 'Inténtalo otra vez.' },
  },

  use: {
    heading: 'Cómo usarlo',
    honest:
      'La propia aplicación de WhatsApp no acepta esta dirección tal cual: su ajuste de proxy espera otro tipo de servidor. Hay dos maneras.',
    speaking: {
      heading: 'En una aplicación que entienda Puente',
      before: [
        'Copia el enlace de arriba, o escanea el código QR.',
        'En la aplicación, abre Ajustes → Almacenamiento y datos → Proxy (Settings → Storage and data → Proxy). Algunas lo tienen en otro lugar.',
        'Pega el enlace, guarda y espera la marca verde.',
      ],
      after: [],
      note: 'Si la marca sigue en rojo, la aplicación dice por qué y qué hacer.',
    },
    gateway: {
      heading: 'En WhatsApp tal como es, con una computadora',
      before: [
        'Usa una computadora con Linux, macOS o Windows (con WSL) que esté en la misma red que el teléfono, e instala Puente en ella: su README explica cómo.',
        'En la carpeta de Puente, ejecuta esto. Muestra lo que hay que escribir en el teléfono.',
      ],
      after: [
        'En el teléfono, abre en WhatsApp Ajustes → Almacenamiento y datos → Proxy → Usar proxy → Configurar proxy (Settings → Storage and data → Proxy → Use proxy → Set proxy). Escribe lo que mostró el comando, con los puertos de chat y de archivos multimedia, guarda y espera la marca verde.',
      ],
      note: 'Las llamadas no pasan. Cualquiera en esa red puede usar los puertos de la computadora mientras el comando esté en marcha. Todavía no se probó con un teléfono.',
    },
    forward: {
      heading: 'En cualquier aplicación con un ajuste de proxy, con una computadora',
      before: [
        'Usa una computadora con Linux, macOS o Windows (con WSL), e instala Puente en ella: su README explica cómo.',
        'En la carpeta de Puente, ejecuta esto.',
      ],
      after: ['En la aplicación, configura un proxy SOCKS5: servidor 127.0.0.1, puerto 1080, sin contraseña.'],
      note: 'Lleva a los servicios de chat de la lista del repetidor, y a ningún otro sitio.',
    },
  },

  sees: {
    heading: 'Quién puede ver qué',
    cannot: {
      heading: 'El voluntario no puede ver',
      items: [
        'qué escribes, envías o recibes',
        'con quién chateas',
        'tu cuenta, tu número de teléfono ni tu contraseña',
        'tu dirección (IP): el repetidor no anota nada sobre ti',
      ],
    },
    can: {
      heading: 'Lo que sí se ve',
      items: [
        'El voluntario ve cuánto se usa el repetidor en total.',
        'Cloudflare, donde funciona el programa del repetidor, ve tu dirección, con qué servicio de chat se conecta el repetidor, cuándo y cuánto.',
        'Tu red ve que te conectas a esta dirección, cuándo y cuánto.',
        'El servicio de chat ve lo que siempre ve de tu cuenta, pero no tu dirección.',
      ],
    },
    plain:
      'Este repetidor también lleva a servicios de chat que aceptan mensajes sin cifrar. Lo que una aplicación les envíe sin cifrar, el voluntario y Cloudflare podrían leerlo.',
    note: 'Esto vale para Puente tal como se publica. Un voluntario podría usar otra cosa en su lugar, que quizá anotaría tu dirección. Ni siquiera eso podría leer lo que la aplicación misma cifra.',
  },

  counts: {
    heading: 'Cuánto se usa',
    period: 'Contado durante',
    sessions: 'Sesiones atendidas',
    bytes: 'Datos transmitidos',
    refused: 'Sesiones rechazadas',
    about: 'Son sumas. No se cuenta nada de ninguna persona en particular.',
  },
};
